-- KEYS pods   ARGV keep ms
-- {'ok', pods' verdict} where this user may run scripts and write.
--
-- The write is a field without a name, which no pod has. It changes something only once a minute or so, but is
-- checked as a write every time: a replica, a full memory, a failed save or a missing right refuses it.

local changed = peek('HSETNX', KEYS[1], '', '')
if changed == 1 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return { 'ok', verdict(not changed) }
