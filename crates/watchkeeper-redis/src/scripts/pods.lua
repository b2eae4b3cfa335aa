-- KEYS pods   ARGV most pods, largest value
-- {pods' verdict, pod, age us, info, pod, age us, info, ...}

local found = { verdict(false) }
local count = peek('HLEN', KEYS[1])
if not count or count > tonumber(ARGV[1]) then
  return { verdict(true) }
end
for _, pod in ipairs(redis.call('HKEYS', KEYS[1])) do
  if pod ~= '' then
    local alive = false
    local ours = false
    if #pod <= 128 and string.match(pod, '^[0-9A-Za-z_.-]+$')
      and redis.call('HSTRLEN', KEYS[1], pod) <= tonumber(ARGV[2]) then
      local at, ttl, info = string.match(redis.call('HGET', KEYS[1], pod), '^wk1|([0-9]+)|([0-9]+)|(.*)$')
      at, ttl = number(at), number(ttl)
      ours = at and ttl
      -- One that spoke later than now did so before the server's clock was set back.
      if ours and math.abs(now - at) < ttl * 1000 then
        alive = true
        found[#found + 1] = pod
        found[#found + 1] = digits(math.max(0, now - at))
        found[#found + 1] = info
      end
    end
    if not ours then
      found[1] = verdict(true)
    end
    if not alive then
      -- A user that may only read still sees the list.
      redis.pcall('HDEL', KEYS[1], pod)
    end
  end
end
return found
