-- KEYS lock, token, report   ARGV pod, attempt, ttl ms, floor, marker or '', token's keep ms
-- {'held', token, token's verdict} or busy

local lock = look(KEYS[1])
local pod, attempt, ttl = ARGV[1], ARGV[2], ARGV[3]
local floor = possible(number(ARGV[4])) or 0
local token = nil
local foreign = foreign_token(KEYS[2])

if lock then
  if lock.pod == pod then
    -- The pod's own. A token below what it has seen since was overtaken.
    if lock.token and lock.attempt == attempt and lock.token >= floor then
      token = lock.token
    end
  elseif remaining(lock) ~= -1 or ARGV[5] == '' or marker(lock) ~= ARGV[5] then
    return busy(lock)
  end
end

if not token then
  token = math.max(math.max(known(lock, KEYS[2], KEYS[3]), floor) + 1, now)
  -- First, so that a server that takes no writes refuses before anything has changed.
  redis.call('SET', KEYS[2], digits(token), 'PX', ARGV[6])
end
hold(KEYS[1], pod, attempt, digits(token), ttl)
return { 'held', digits(token), verdict(foreign) }
