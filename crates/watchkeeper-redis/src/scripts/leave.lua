-- KEYS pods   ARGV pod
-- {'ok'}

peek('HDEL', KEYS[1], ARGV[1])
return { 'ok' }
