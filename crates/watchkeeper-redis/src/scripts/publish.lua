-- KEYS lock, token, report [, claim, their lock, their report]
-- ARGV pod, token, edition, ttl ms or '' to release, report's keep ms, token's keep ms, channel, group, body
--   [, claim's owner, its ms, their report's head or '', its tail, its age us, its ttl ms]
-- {'done', token's verdict [, claim, 'kept' or 'lost', 'overtook' or '']} or {'fenced', highest token known}

local pod, token, edition = ARGV[1], ARGV[2], ARGV[3]
local lock = look(KEYS[1])
local mine = number(token) or 0
local stored = possible(number(field(KEYS[3], 'token')))

-- What landed before is done, whatever became of the lease since.
if stored and stored == mine and (number(field(KEYS[3], 'edition')) or 0) >= tonumber(edition) then
  return { 'done', verdict(false) }
end
local highest = known(lock, KEYS[2], KEYS[3])
if (stored and stored > mine) or not held(lock, pod, token) then
  return { 'fenced', digits(highest) }
end

local foreign = foreign_token(KEYS[2])
-- First, so that a server that takes no writes refuses before anything has changed.
redis.call('SET', KEYS[2], digits(highest), 'PX', ARGV[6])
local written = KEYS[4] and written_beside(KEYS[3])
local fields = peek('HLEN', KEYS[3])
if not fields or fields > 5 then
  redis.call('UNLINK', KEYS[3])
end
redis.call('HSET', KEYS[3], 'token', token, 'edition', edition, 'at', digits(now), 'body', ARGV[9])
redis.call('PEXPIRE', KEYS[3], ARGV[5])

local claimed, kept, overtook = nil, nil, nil
if KEYS[4] then
  local serving
  serving, claimed = serves(KEYS[4], ARGV[10])
  kept, overtook = 'kept', ''
  if serving then
    claim(KEYS[4], ARGV[10], ARGV[11], ARGV[4] == '' and '0' or ARGV[4])
    claimed = '='
    local left = tonumber(ARGV[15]) - math.floor(tonumber(ARGV[14]) / 1000)
    if ARGV[12] ~= '' and left > 0 then
      if written and written ~= '' and redis.call('PTTL', KEYS[6]) ~= -2 and marker({ key = KEYS[6] }) ~= written then
        overtook = 'overtook'
      end
      local time = string.format('%.6f', (now - tonumber(ARGV[14])) / 1000000)
      redis.call('SET', KEYS[6], ARGV[12] .. time .. ARGV[13], 'PX', digits(left))
      written = marker({ key = KEYS[6] })
    end
    if ARGV[4] ~= '' and not hold_beside(KEYS[5], pod, token, ARGV[4]) then
      kept = 'lost'
    end
  end
  if ARGV[4] == '' then
    -- Also where another group claimed the place meanwhile.
    leave_beside(KEYS[5], pod, token)
  end
  redis.call('HSET', KEYS[3], 'beside', written or '')
elseif fields == 5 then
  redis.call('HDEL', KEYS[3], 'beside')
end

-- Notices are hints: one that the server refuses must not undo what is done.
if ARGV[4] == '' then
  redis.call('DEL', KEYS[1])
  redis.pcall('PUBLISH', ARGV[7], 'wk1|report+released|' .. ARGV[8])
else
  hold(KEYS[1], pod, lock.attempt, token, ARGV[4])
  redis.pcall('PUBLISH', ARGV[7], 'wk1|report|' .. ARGV[8])
end
return { 'done', verdict(foreign), claimed, kept, overtook }
