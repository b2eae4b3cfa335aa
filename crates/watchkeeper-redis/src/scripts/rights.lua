-- KEYS the check's own [, companions'], for the way there only   ARGV the same keys, after them the channel
-- {version, what, error, what, error, ..}: what this user or this server does not let us do, by name of the command or
-- of the companion's key.
--
-- Nothing of anybody else's is touched: the one key that is written is the check's own, which is gone at the end, and
-- ends by itself where this user may not remove it. Scripts do not interleave, so checks of many pods share it.

local own, channel = ARGV[1], ARGV[#ARGV]
local found = { redis.REDIS_VERSION or '' }

local function try(what, ...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    found[#found + 1] = what
    found[#found + 1] = reply.err
  end
  return reply
end

local function on_own(command, ...)
  try(command, command, own, ...)
end

-- Before 7.0 only a command tells the version, and a user need not have it.
if found[1] == '' then
  local info = redis.pcall('INFO', 'server')
  found[1] = type(info) == 'string' and string.match(info, 'redis_version:([0-9.]+)') or ''
end

try('TIME', 'TIME')
on_own('TYPE')
on_own('PTTL')
on_own('SET', '', 'PX', 10000)
on_own('PEXPIRE', 10000)
on_own('STRLEN')
on_own('GETRANGE', 0, 1)
on_own('DEL')
on_own('HSETNX', 'check', '')
on_own('HSET', 'check', '')
on_own('HGET', 'check')
on_own('HEXISTS', 'check')
on_own('HSTRLEN', 'check')
on_own('HLEN')
on_own('HKEYS')
on_own('HDEL', 'check')
on_own('UNLINK')
for _, count in ipairs({ 'LLEN', 'SCARD', 'ZCARD', 'XLEN' }) do
  on_own(count)
end
try('PUBLISH', 'PUBLISH', channel, 'wk1|check|')
-- A look, and a write that changes nothing, since nobody has such a field.
for place = 2, #ARGV - 1 do
  try(ARGV[place], 'PTTL', ARGV[place])
  try(ARGV[place], 'HDEL', ARGV[place], 'watchkeeper:check')
end
return found
