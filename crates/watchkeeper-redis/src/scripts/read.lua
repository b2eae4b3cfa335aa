-- KEYS lock, token, report [, claim, their report]
-- ARGV floor, largest body, token's keep ms [, claim's owner]
-- {fence, token's verdict [, claim, beside, why, ms left, their body], 'nothing'}
-- or {.., 'garbage', why} or {.., 'report', token, edition, age us, body}
-- where beside is 'nothing', 'owed', 'garbage' (and why), or 'foreign' (and what it is, with 'owed' as the why where the
-- report here was published without one beside it)

local said = verdict(foreign_token(KEYS[2]))
local highest = known(look(KEYS[1]), KEYS[2], KEYS[3])
local floor = possible(number(ARGV[1])) or 0
if floor > highest then
  highest = floor
  redis.call('SET', KEYS[2], digits(floor), 'PX', ARGV[3])
end
local found = { digits(highest), said }

local function add(...)
  for _, value in ipairs({ ... }) do
    found[#found + 1] = value
  end
  return found
end

local fields = peek('HLEN', KEYS[3])
if KEYS[4] then
  local serving, claimed = serves(KEYS[4], ARGV[4])
  local left = redis.call('PTTL', KEYS[5])
  local size = peek('STRLEN', KEYS[5])
  local written = written_beside(KEYS[3])
  local owed = fields and fields > 0 and not written and 'owed' or ''
  if not serving or (left ~= -2 and written and marker({ key = KEYS[5] }) == written) then
    add(claimed, 'nothing', '', '0', '')
  elseif left == -2 then
    add(claimed, owed ~= '' and 'owed' or 'nothing', '', '0', '')
  elseif not size then
    add(claimed, 'garbage', 'a `' .. redis.call('TYPE', KEYS[5])['ok'] .. '` where a string belongs', '0', '')
  elseif left < 0 then
    add(claimed, 'garbage', 'a report without an end', '0', '')
  elseif size > tonumber(ARGV[2]) then
    add(claimed, 'garbage', 'a report of ' .. digits(size) .. ' bytes, more than any of ours', '0', '')
  else
    add(claimed, 'foreign', owed, digits(left), redis.call('GETRANGE', KEYS[5], 0, -1))
  end
end

if fields == 0 then
  return add('nothing')
end
if not fields then
  return add('garbage', 'a `' .. redis.call('TYPE', KEYS[3])['ok'] .. '` where a hash belongs')
end
local token = number(field(KEYS[3], 'token'))
local edition = number(field(KEYS[3], 'edition'))
local at = number(field(KEYS[3], 'at'))
if not token or not edition or not at or edition > 4294967295 or redis.call('HEXISTS', KEYS[3], 'body') == 0 then
  return add('garbage', 'a hash without the fields of a report')
end
if not possible(token) then
  return add('garbage', 'a report with a token more than a day ahead of the server\'s time')
end
local size = redis.call('HSTRLEN', KEYS[3], 'body')
if size > tonumber(ARGV[2]) then
  return add('garbage', 'a report of ' .. digits(size) .. ' bytes, more than any of ours')
end
return add('report', digits(token), digits(edition), digits(math.max(0, now - at)), redis.call('HGET', KEYS[3], 'body'))
