-- The head of every script: the server's time, and careful looks at values that anybody may have written.
--
-- Foreign values are never copied whole and never parsed by a library: a lock is text of at most 512 bytes that one
-- anchored pattern takes apart, a report is a hash with four known fields, a token is at most 16 digits.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

-- A token this far ahead of the server's time was not given out here: some clock or some writer was wrong.
local AHEAD = 24 * 60 * 60 * 1000000

local function digits(n)
  return string.format('%.0f', n)
end

-- The reply; nil where a value of another type stands. Any other error ends the script as usual.
local function peek(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then
    if string.find(reply.err, 'WRONGTYPE', 1, true) then
      return nil
    end
    return redis.call(...)
  end
  return reply
end

-- The number that the text is, if it is one.
local function number(text)
  if type(text) == 'string' and #text <= 16 and string.match(text, '^[0-9]+$') then
    return tonumber(text)
  end
  return nil
end

-- The number as a token, if the store can have given it out.
local function possible(token)
  if token and token <= now + AHEAD then
    return token
  end
  return nil
end

-- A small field of a hash; nil if it is missing, large, or the key is no hash.
local function field(key, name)
  local size = peek('HSTRLEN', key, name)
  if size and size > 0 and size <= 16 then
    return redis.call('HGET', key, name)
  end
  return nil
end

-- What stands in the lock's place; nil if nothing does. `token` is nil unless it is a lease under a possible token.
local function look(key)
  local left = redis.call('PTTL', key)
  if left == -2 then
    return nil
  end
  local lock = { key = key, left = left }
  local text = peek('GETRANGE', key, 0, 512)
  if text and #text <= 512 then
    local token, attempt, ttl, pod = string.match(text, '^wk1|([0-9]+)|([0-9]+)|([0-9]+)|([0-9A-Za-z_.-]+)$')
    if pod and #pod <= 128 and #attempt <= 20 and number(token) and number(ttl) then
      lock.pod = pod
      lock.attempt = attempt
      lock.ttl = number(ttl)
      lock.token = possible(number(token))
    end
  end
  return lock
end

-- Milliseconds until the lease ends; -1 for garbage, and where the end lies beyond what the lock itself asked for.
local function remaining(lock)
  if lock.token and lock.left >= 0 and lock.left <= lock.ttl then
    return lock.left
  end
  return -1
end

-- A digest of what stands there, made of bounded pieces.
local function marker(lock)
  local kind = redis.call('TYPE', lock.key)['ok']
  if kind == 'string' then
    local size = redis.call('STRLEN', lock.key)
    local ends = redis.call('GETRANGE', lock.key, 0, 511) .. redis.call('GETRANGE', lock.key, -512, -1)
    return 'string:' .. digits(size) .. ':' .. redis.sha1hex(ends)
  end
  local counts = { list = 'LLEN', set = 'SCARD', zset = 'ZCARD', hash = 'HLEN', stream = 'XLEN' }
  local count = counts[kind] and redis.pcall(counts[kind], lock.key)
  if type(count) ~= 'number' then
    count = 0
  end
  return kind .. ':' .. digits(count)
end

-- Busy as the client reads it.
local function busy(lock)
  local token = lock.token and digits(lock.token) or ''
  local pod = lock.token and lock.pod or ''
  return { 'busy', pod, token, remaining(lock), marker(lock) }
end

local function held(lock, pod, token)
  return lock and lock.token and lock.pod == pod and digits(lock.token) == token
end

local function hold(key, pod, attempt, token, ttl)
  redis.call('SET', key, 'wk1|' .. token .. '|' .. attempt .. '|' .. ttl .. '|' .. pod, 'PX', ttl)
end

-- What a reply says of a key: whether something stood there that no pod of ours can have written.
local function verdict(foreign)
  return foreign and 'foreign' or 'ours'
end

-- Whether something other than a token stands in the token's place.
local function foreign_token(key)
  return not possible(number(peek('GETRANGE', key, 0, 16))) and redis.call('PTTL', key) ~= -2
end

-- The highest token that the store knows for the group, wherever it stands.
local function known(lock, token_key, report_key)
  local highest = possible(number(peek('GETRANGE', token_key, 0, 16))) or 0
  highest = math.max(highest, possible(number(field(report_key, 'token'))) or 0)
  return math.max(highest, lock and lock.token or 0)
end
