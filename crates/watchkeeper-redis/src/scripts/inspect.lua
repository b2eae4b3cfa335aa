-- KEYS lock
-- {'free'} or busy

local lock = look(KEYS[1])
if lock then
  return busy(lock)
end
return { 'free' }
