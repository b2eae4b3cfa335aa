-- KEYS lock, token, report [, claim, their lock]
-- ARGV pod, attempt, ttl ms, floor, marker or '', token's keep ms [, claim's owner, its ms]
-- {'held', token, token's verdict [, claim]} or busy [.. claim, 'beside' where it is their lock]

local lock = look(KEYS[1])
local pod, attempt, ttl = ARGV[1], ARGV[2], ARGV[3]
local floor = possible(number(ARGV[4])) or 0
local token = nil
local foreign = foreign_token(KEYS[2])
local serving, claimed = false, nil
if KEYS[4] then
  serving, claimed = serves(KEYS[4], ARGV[7])
end

if lock then
  if lock.pod == pod then
    -- The pod's own. A token below what it has seen since was overtaken.
    if lock.token and lock.attempt == attempt and lock.token >= floor then
      token = lock.token
    end
  elseif remaining(lock) ~= -1 or ARGV[5] == '' or marker(lock) ~= ARGV[5] then
    local answer = busy(lock)
    answer[6], answer[7] = claimed, claimed and ''
    return answer
  end
end

local theirs = serving and their_lock(KEYS[5])
if theirs then
  local seen = their_marker(theirs)
  if theirs.left ~= -1 or seen ~= ARGV[5] then
    -- Both locks or neither. What stands in ours is this pod's own or what it was allowed to take: gone, it cannot be in
    -- the way of the next attempt, which then has to do with theirs alone.
    if lock then
      redis.call('DEL', KEYS[1])
    end
    return { 'busy', theirs.pod, '', math.min(theirs.left, THEIR_POLL), seen, claimed, 'beside' }
  end
  redis.call('DEL', KEYS[5])
end

if not token then
  token = math.max(math.max(known(lock, KEYS[2], KEYS[3]), floor) + 1, now)
  -- First, so that a server that takes no writes refuses before anything has changed.
  redis.call('SET', KEYS[2], digits(token), 'PX', ARGV[6])
end
hold(KEYS[1], pod, attempt, digits(token), ttl)
if serving then
  claim(KEYS[4], ARGV[7], ARGV[8], ttl)
  hold_beside(KEYS[5], pod, digits(token), ttl)
  claimed = '='
end
return { 'held', digits(token), verdict(foreign), claimed }
