-- KEYS lock [, claim, their lock]   ARGV pod, token, ttl ms [, claim's owner, its ms]
-- {'extended' [, claim, 'kept' or 'lost']} or {'lost', holder or ''}

local lock = look(KEYS[1])
if not held(lock, ARGV[1], ARGV[2]) then
  return { 'lost', lock and lock.token and lock.pod or '' }
end
hold(KEYS[1], ARGV[1], lock.attempt, ARGV[2], ARGV[3])
if not KEYS[2] then
  return { 'extended' }
end
local serving, claimed = serves(KEYS[2], ARGV[4])
if not serving then
  return { 'extended', claimed, 'kept' }
end
claim(KEYS[2], ARGV[4], ARGV[5], ARGV[3])
return { 'extended', '=', hold_beside(KEYS[3], ARGV[1], ARGV[2], ARGV[3]) and 'kept' or 'lost' }
