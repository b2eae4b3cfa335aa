-- KEYS pods   ARGV pod, ttl ms, most pods, info
-- {'ok', pods' verdict}

local count = peek('HLEN', KEYS[1])
local foreign = not count or count > tonumber(ARGV[3])
if foreign then
  redis.call('UNLINK', KEYS[1])
end
redis.call('HSET', KEYS[1], ARGV[1], 'wk1|' .. digits(now) .. '|' .. ARGV[2] .. '|' .. ARGV[4])
-- The list lasts as long as the pod on it that may stay silent longest.
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return { 'ok', verdict(foreign) }
