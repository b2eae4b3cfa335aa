-- KEYS lock, token, report   ARGV floor, largest body, token's keep ms
-- {fence, token's verdict, 'nothing'} or {fence, token's verdict, 'garbage', why}
-- or {fence, token's verdict, 'report', token, edition, age us, body}

local said = verdict(foreign_token(KEYS[2]))
local highest = known(look(KEYS[1]), KEYS[2], KEYS[3])
local floor = possible(number(ARGV[1])) or 0
if floor > highest then
  highest = floor
  redis.call('SET', KEYS[2], digits(floor), 'PX', ARGV[3])
end
local fence = digits(highest)

local fields = peek('HLEN', KEYS[3])
if fields == 0 then
  return { fence, said, 'nothing' }
end
if not fields then
  return { fence, said, 'garbage', 'a `' .. redis.call('TYPE', KEYS[3])['ok'] .. '` where a hash belongs' }
end
local token = number(field(KEYS[3], 'token'))
local edition = number(field(KEYS[3], 'edition'))
local at = number(field(KEYS[3], 'at'))
if not token or not edition or not at or edition > 4294967295 or redis.call('HEXISTS', KEYS[3], 'body') == 0 then
  return { fence, said, 'garbage', 'a hash without the fields of a report' }
end
if not possible(token) then
  return { fence, said, 'garbage', 'a report with a token more than a day ahead of the server\'s time' }
end
local size = redis.call('HSTRLEN', KEYS[3], 'body')
if size > tonumber(ARGV[2]) then
  return { fence, said, 'garbage', 'a report of ' .. digits(size) .. ' bytes, more than any of ours' }
end
return {
  fence, said, 'report', digits(token), digits(edition), digits(math.max(0, now - at)),
  redis.call('HGET', KEYS[3], 'body')
}
