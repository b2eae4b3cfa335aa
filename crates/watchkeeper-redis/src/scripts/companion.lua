-- The lock and the report of programs that know nothing of ours, beside our own. A group has to claim their place: two
-- groups would overwrite each other's models. Nobody's claim, and a lapsed one, is everybody's.

-- A lock of theirs that is to last longer than this is no lock of theirs.
local THEIR_LONGEST = 60 * 60 * 1000
-- Nobody tells when their lock goes: it is looked at again after this.
local THEIR_POLL = 2000
-- No claim lasts longer: twice the longest interval that there is.
local LONGEST_CLAIM = 60 * 24 * 60 * 60 * 1000
-- Ours stays this long after the round: who looked for the report just before it came shall not find the lock free.
local LINGER = 1000

-- A JSON string, which is what they take for a lock; no two grants have the same.
local function their_mark(pod, token)
  return '"watchkeeper:' .. pod .. ':' .. token .. '"'
end

-- Fleet and group whose claim stands.
local function claimed_by(key)
  local left = redis.call('PTTL', key)
  local text = peek('GETRANGE', key, 0, 512)
  if left >= 0 and text and #text <= 512 then
    local ttl, owner = string.match(text, '^wk1|([0-9]+)|([0-9A-Za-z_./-]+)$')
    if owner and number(ttl) and left <= number(ttl) and number(ttl) <= LONGEST_CLAIM then
      return owner
    end
  end
  return nil
end

-- Whether the place is this group's, and what to answer of it: '=' for ours, '' for nobody's, else its owner.
local function serves(key, owner)
  local claimed = claimed_by(key)
  if claimed and claimed ~= owner then
    return false, claimed
  end
  return true, claimed and '=' or ''
end

-- Claims the place for so long, and for as long as a lease lasts that is held meanwhile.
local function claim(key, owner, ttl, lease)
  local longest = digits(math.max(tonumber(ttl), tonumber(lease)))
  redis.call('SET', key, 'wk1|' .. longest .. '|' .. owner, 'PX', longest)
end

-- What stands in their lock's place and is none of ours. One of ours means nothing by itself: our own lock tells who
-- holds the lease.
local function their_lock(key)
  local left = redis.call('PTTL', key)
  if left == -2 then
    return nil
  end
  local text = peek('GETRANGE', key, 0, 512)
  if text and #text <= 512 and string.match(text, '^"watchkeeper:[0-9A-Za-z_.-]+:[0-9]+"$') then
    return nil
  end
  if not text or #text > 512 or left > THEIR_LONGEST then
    left = -1
  end
  -- Who holds it, where that is a name that a pod of ours could have.
  local pod = text and string.match(text, '^"([0-9A-Za-z_.-]+)"$')
  if left < 0 or not pod or #pod > 128 then
    pod = ''
  end
  return { key = key, left = left, pod = pod }
end

-- The same marker for their lock as for ours would let one be taken for the other.
local function their_marker(lock)
  return 'beside:' .. marker(lock)
end

-- Takes their lock, or holds it on; false where another program has it.
local function hold_beside(key, pod, token, ttl)
  if their_lock(key) then
    return false
  end
  redis.call('SET', key, their_mark(pod, token), 'PX', ttl)
  return true
end

-- Lets their lock go, if it is this grant's.
local function leave_beside(key, pod, token)
  if peek('GETRANGE', key, 0, 512) == their_mark(pod, token) then
    redis.call('PEXPIRE', key, LINGER)
  end
end

-- Which of their reports the publication that stands in the report's place wrote: its marker, '' for none; nil where
-- it was made by a pod that keeps no companions.
local function written_beside(report_key)
  local size = peek('HSTRLEN', report_key, 'beside')
  if size and size <= 128 and redis.call('HEXISTS', report_key, 'beside') == 1 then
    return redis.call('HGET', report_key, 'beside')
  end
  return nil
end
