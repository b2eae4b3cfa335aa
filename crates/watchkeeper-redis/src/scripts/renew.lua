-- KEYS lock   ARGV pod, token, ttl ms
-- {'extended'} or {'lost', holder or ''}

local lock = look(KEYS[1])
if held(lock, ARGV[1], ARGV[2]) then
  hold(KEYS[1], ARGV[1], lock.attempt, ARGV[2], ARGV[3])
  return { 'extended' }
end
return { 'lost', lock and lock.token and lock.pod or '' }
