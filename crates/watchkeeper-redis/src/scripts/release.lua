-- KEYS lock [, their lock]   ARGV pod, token, channel, group
-- {'done'} or {'not held'}

if not held(look(KEYS[1]), ARGV[1], ARGV[2]) then
  return { 'not held' }
end
redis.call('DEL', KEYS[1])
if KEYS[2] then
  leave_beside(KEYS[2], ARGV[1], ARGV[2])
end
-- A notice is a hint: one that the server refuses must not undo what is done.
redis.pcall('PUBLISH', ARGV[3], 'wk1|released|' .. ARGV[4])
return { 'done' }
