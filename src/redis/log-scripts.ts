/**
 * What is done to a log in Redis in one step each. An entry of the stream has the id `<ms>-<n>`: the time of Redis, and a
 * number without gaps. Its fields are `p`, the time of the one before it, and `m`, the payload. The hash beside it holds
 * `e`, the epoch, `t` and `n`, the id of the newest entry that there ever was, and `r`, how many were recorded for
 * programs that only publish. The hash outlives the stream, so that offsets go on when all entries are gone.
 */

const COMMON = `
local now
local function clock()
  if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return now
end
local function id(t, n) return string.format('%.0f-%.0f', t, n) end

-- A log whose hash is not there: since when is it sure that nothing was sent?
local function quietSince(born, log, keptMs, bornTtlMs)
  local first = tonumber(redis.call('GET', born) or '')
  if not first then first = clock() end
  redis.call('SET', born, string.format('%.0f', first), 'PX', bornTtlMs)
  -- The hash was evicted, and maybe the stream too in part.
  if redis.call('DEL', log) == 1 then return clock() end
  return math.max(first, clock() - keptMs)
end
`

/**
 * KEYS: for each message its hash and its log if it is kept, its stream if it is added to one, the key that is set if there
 * is one, the key that stands for it if it is to be published once; last, if any is kept, born. ARGV: epoch for logs that
 * begin, longest life of a hash without its stream (ms), life of `born` (ms), life of a key that stands for a message (ms),
 * then for each message: its kind, 1 if it is to be published once, and
 * - `publish`: channel, payload
 * - `set`: channel, payload, life of the key that is set to it (s)
 * - `keep`: channel, payload, size, time to live (ms)
 * - `publish-in-slot` and `keep-in-slot`: the same by SPUBLISH; the key of the first one is the channel
 * - `settle`, which is no message: group and node, how many ids there are, those; its keys are the stream of a work queue and the
 *   hash of its failures
 * - `add`, and `enqueue` where nothing goes to make room: size, how many groups there are, the groups, how many names and values of fields there are, those
 */
export const PUBLISH_SCRIPT = `${COMMON}
-- A script cannot hand over more than some 8,000 parts at once.
local MOST_IDS = 1000
local keptMs = tonumber(ARGV[2])

local arg, key = 5, 1
local function nextArg()
  arg = arg + 1
  return ARGV[arg - 1]
end
local function nextKey()
  key = key + 1
  return KEYS[key - 1]
end
local function nextList()
  local list = {}
  for i = 1, tonumber(nextArg()) do list[i] = nextArg() end
  return list
end

local messages = {}
while arg <= #ARGV do
  local message = {kind = nextArg(), isOnce = nextArg() == '1'}
  if message.kind == 'settle' then
    message.queue, message.failures = nextKey(), nextKey()
    message.group, message.node = nextArg(), nextArg()
    message.ids = nextList()
  elseif message.kind == 'add' or message.kind == 'enqueue' then
    message.stream = nextKey()
    message.size = nextArg()
    message.groups = nextList()
    message.fields = nextList()
  else
    message.channel = nextArg()
    message.payload = nextArg()
    message.publish = 'PUBLISH'
  end
  if message.kind == 'keep-in-slot' then
    message.kind = 'keep'
    message.publish = 'SPUBLISH'
  end
  if message.kind == 'publish-in-slot' then
    nextKey()
    message.publish = 'SPUBLISH'
  end
  if message.kind == 'keep' then
    message.position = nextKey()
    message.log = nextKey()
    message.size = nextArg()
    message.ttl = tonumber(nextArg())
  end
  if message.kind == 'set' then
    message.value = nextKey()
    message.ttl = nextArg()
  end
  if message.isOnce then message.guard = nextKey() end
  messages[#messages + 1] = message
end

-- All or none: what the access rules forbid is known before anything is done, where Redis can say it (since 7.0).
if redis.acl_check_cmd then
  for _, message in ipairs(messages) do
    if message.stream and not redis.acl_check_cmd('XADD', message.stream, '*', 'f', 'v') then
      return redis.error_reply('NOPERM No permissions to access a stream')
    end
    if message.channel and not redis.acl_check_cmd(message.publish, message.channel, '') then
      return redis.error_reply('NOPERM No permissions to access a channel')
    end
  end
end

local guards, added = {}, {}
for _, message in ipairs(messages) do
  if message.guard then
    if redis.call('SET', message.guard, '1', 'NX', 'PX', ARGV[4]) then
      guards[#guards + 1] = message.guard
    else
      message.isAgain = true -- it has been published
    end
  end
end

-- What is refused may be tried again.
local function undone(failure)
  for _, guard in ipairs(guards) do redis.call('DEL', guard) end
  for _, entry in ipairs(added) do redis.pcall('XDEL', entry[1], entry[2]) end
  return failure
end

-- What is settled makes room. It is looked at first, and settled last: until then everything can be refused.
local settled = {}
for _, message in ipairs(messages) do
  if message.kind == 'settle' then
    message.held = {}
    for _, id in ipairs(message.ids) do
      local found = redis.pcall('XPENDING', message.queue, message.group, id, id, 1)
      local hasGroup = not (found.err and string.find(found.err, 'NOGROUP', 1, true))
      if hasGroup and found.err then return undone(found) end
      if not hasGroup then
        -- Somebody has destroyed the group: nobody else can have been given it since.
        message.held[#message.held + 1] = id
      elseif found[1] and found[1][2] == message.node then
        message.held[#message.held + 1] = id
        settled[message.queue] = (settled[message.queue] or 0) + 1
      end
    end
  end
end

local room = {}
for _, message in ipairs(messages) do
  local stream = message.stream
  if message.kind == 'enqueue' and not message.isAgain then
    if not room[stream] then
      local length = redis.pcall('XLEN', stream)
      if type(length) == 'table' then return undone(length) end
      room[stream] = message.size - length + (settled[stream] or 0)
    end
    room[stream] = room[stream] - 1
    if room[stream] < 0 then return undone(redis.error_reply('QUEUEFULL A queue holds as many messages as it may')) end
  end
end

-- Entries first: where there is no memory, or something else in the place of the stream, nobody has heard anything yet.
for _, message in ipairs(messages) do
  if message.stream and not message.isAgain then
    local command = {'XADD', message.stream, 'NOMKSTREAM', 'MAXLEN', '~', message.size, '*'}
    if message.kind == 'enqueue' then command = {'XADD', message.stream, '*'} end
    for _, part in ipairs(message.fields) do command[#command + 1] = part end
    local entry = redis.pcall(unpack(command))
    if not entry then
      for _, group in ipairs(message.groups) do
        local created = redis.pcall('XGROUP', 'CREATE', message.stream, group, '0', 'MKSTREAM')
        if created.err then return undone(created) end
      end
      table.remove(command, 3)
      entry = redis.pcall(unpack(command))
    end
    if type(entry) == 'table' then return undone(entry) end
    added[#added + 1] = {message.stream, entry}
  end
end

for i, message in ipairs(messages) do
  local channel, payload = message.channel, message.payload
  if message.isAgain or message.stream or message.queue then
    -- Nothing is left to do.
  elseif message.kind ~= 'keep' then
    if message.value then
      local answer = redis.pcall('SET', message.value, payload, 'EX', message.ttl)
      if answer.err then return undone(answer) end
    end
    local answer = redis.pcall(message.publish, channel, payload)
    if type(answer) == 'table' then return undone(answer) end
  else
    local position, log = message.position, message.log
    local known = redis.call('HMGET', position, 'e', 't', 'n')
    local epoch, t, n = known[1], tonumber(known[2]), tonumber(known[3])
    if not epoch then
      epoch = ARGV[1] .. i
      n = 0
      t = quietSince(KEYS[#KEYS], log, keptMs, ARGV[3])
    end
    local previous = t
    if clock() > t then t = clock() end
    n = n + 1
    local entry = id(t, n)
    local fields = {'XADD', log, 'MAXLEN', '~', message.size, entry, 'p', string.format('%.0f', previous), 'm', payload}
    local kept = redis.pcall(unpack(fields))
    if type(kept) == 'table' and string.find(kept.err, 'equal or smaller', 1, true) then
      -- The stream is ahead of the hash, which somebody has changed: begin anew.
      redis.call('DEL', log)
      epoch = ARGV[1] .. i
      kept = redis.pcall(unpack(fields))
    end
    if type(kept) == 'table' then return undone(kept) end
    local answer = redis.pcall(message.publish, channel, string.sub(payload, 1, -2) .. ',"offset":"' .. entry ..
      '","epoch":"' .. epoch .. '","previous":"' .. id(previous, n - 1) .. '"}')
    if type(answer) == 'table' then
      redis.call('XDEL', log, entry)
      return undone(answer)
    end
    redis.call('PEXPIRE', log, message.ttl)
    redis.call('HSET', position, 'e', epoch, 't', string.format('%.0f', t), 'n', string.format('%.0f', n))
    redis.call('PEXPIRE', position, string.format('%.0f', message.ttl + keptMs))
  end
end

for _, message in ipairs(messages) do
  local held = message.held or {}
  for first = 1, #held, MOST_IDS do
    local last = math.min(first + MOST_IDS - 1, #held)
    redis.pcall('XACK', message.queue, message.group, unpack(held, first, last))
    redis.pcall('XDEL', message.queue, unpack(held, first, last))
    if redis.call('EXISTS', message.failures) == 1 then redis.call('HDEL', message.failures, unpack(held, first, last)) end
  end
end
return 'done'
`

/**
 * KEYS: stream. ARGV: groups. Creates those that are missing, and the stream if that is missing.
 */
export const GROUPS_SCRIPT = `
local known = {}
if redis.call('EXISTS', KEYS[1]) == 1 then
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do known[group[2]] = true end
end
for _, group in ipairs(ARGV) do
  if not known[group] then redis.call('XGROUP', 'CREATE', KEYS[1], group, '0', 'MKSTREAM') end
end
return 'done'
`

/**
 * KEYS: born, hash, stream, lease. ARGV: epoch, life of a hash without its stream (ms), life of `born` (ms), node, length
 * of the lease (ms), how many were recorded as far as the node knows, its own channel, what to tell there behind that number, channel, size, time to live (ms),
 * then for each payload: it, and its source.
 *
 * Two nodes never record one payload: whoever records knows of all that were recorded before, and has taken those from
 * its own list. The lease only spares the others the attempt.
 */
export const RECORD_SCRIPT = `${COMMON}
local position, log, lease = KEYS[2], KEYS[3], KEYS[4]
local holder = redis.call('GET', lease)
if holder and holder ~= ARGV[4] then return {'held', redis.call('PTTL', lease)} end
local keptMs = tonumber(ARGV[2])
local known = redis.call('HMGET', position, 'e', 't', 'n', 'r')
local epoch, t, n, r = known[1], tonumber(known[2]), tonumber(known[3]), tonumber(known[4] or '0')
if r ~= tonumber(ARGV[6]) then
  redis.call('PUBLISH', ARGV[7], string.format('%.0f', r) .. ' ' .. ARGV[8])
  return {'behind', r}
end
if not epoch then
  epoch = ARGV[1]
  n = 0
  t = quietSince(KEYS[1], log, keptMs, ARGV[3])
end
redis.call('SET', lease, ARGV[4], 'PX', ARGV[5])
local ttl = tonumber(ARGV[11])
for i = 12, #ARGV, 2 do
  local previous = t
  if clock() > t then t = clock() end
  n = n + 1
  r = r + 1
  local entry = id(t, n)
  redis.call('XADD', log, 'MAXLEN', '~', ARGV[10], entry, 'p', string.format('%.0f', previous), 'm', ARGV[i])
  redis.call('HSET', position, 'e', epoch, 't', string.format('%.0f', t), 'n', string.format('%.0f', n), 'r', string.format('%.0f', r))
  redis.call('PEXPIRE', log, ttl)
  redis.call('PEXPIRE', position, string.format('%.0f', ttl + keptMs))
  redis.call('PUBLISH', ARGV[9], string.sub(ARGV[i], 1, -2) .. ',"offset":"' .. entry .. '","epoch":"' .. epoch ..
    '","previous":"' .. id(previous, n - 1) .. '","recorded":' .. string.format('%.0f', r) .. ',"source":"' .. ARGV[i + 1] .. '"}')
end
return {'recorded', r}
`

/**
 * KEYS: born, hash, stream. ARGV: epoch, life of a hash without its stream (ms), life of `born` (ms), life of a hash that is
 * made here (ms, 0: none is), epoch and id that were heard (or empty), most entries, most characters, kind, and what the
 * kind needs. Answers nil, or epoch, newest id, id before the oldest entry (or empty), time to live of the stream (ms), then id, time before and payload of
 * each entry; those of kind `before` newest first.
 */
export const READ_SCRIPT = `${COMMON}
local position, log = KEYS[2], KEYS[3]
local known = redis.call('HMGET', position, 'e', 't', 'n')
local epoch, t, n = known[1], tonumber(known[2]), tonumber(known[3])
if not epoch then
  if ARGV[4] == '0' then return false end
  epoch = ARGV[1]
  n = 0
  t = quietSince(KEYS[1], log, tonumber(ARGV[2]), ARGV[3])
  redis.call('HSET', position, 'e', epoch, 't', string.format('%.0f', t), 'n', '0')
  redis.call('PEXPIRE', position, ARGV[4])
elseif epoch == ARGV[5] then
  -- A replica that was behind has taken over, or Redis came back without its last seconds: what follows is another story.
  local ms, number = string.match(ARGV[6], '^(%d+)-(%d+)$')
  if tonumber(number) > n or (tonumber(number) == n and tonumber(ms) ~= t) then
    epoch = ARGV[1]
    redis.call('HSET', position, 'e', epoch)
  end
end

local function timeIn(text) return tonumber(string.match(text, '^(%d+)')) end
local function numberIn(text) return tonumber(string.match(text, '%-(%d+)$')) end

local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
local before = ''
if oldest then before = id(tonumber(oldest[2][2]), numberIn(oldest[1]) - 1) end
local answer = {epoch, id(t, n), before, redis.call('PTTL', log)}
local kind, what = ARGV[9], ARGV[10]
if kind == 'none' or not oldest then return answer end
if kind == 'first' then
  answer[5], answer[6], answer[7] = oldest[1], oldest[2][2], ''
  return answer
end

local left, length = tonumber(ARGV[7]), tonumber(ARGV[8])
local function take(entries)
  for _, entry in ipairs(entries) do
    if length <= 0 then return end
    answer[#answer + 1] = entry[1]
    answer[#answer + 1] = entry[2][2]
    answer[#answer + 1] = entry[2][4]
    left = left - 1
    length = length - #entry[2][4]
  end
end
-- Few at first: they may be so long that the others are too many. Where they are short, few commands read them all.
local chunk = 32
local function takeAll(command, from, to)
  while left > 0 and length > 0 do
    local count = math.min(chunk, left)
    local entries = redis.call(command, log, from, to, 'COUNT', count)
    take(entries)
    if #entries < count then return end
    from = '(' .. entries[#entries][1]
    chunk = math.min(chunk * 2, 1024)
  end
end

if kind == 'before' then
  takeAll('XREVRANGE', '(' .. what, '-')
  return answer
end

local from = '-'
if kind == 'after' then from = '(' .. what
elseif kind == 'later' then from = id(tonumber(what) + 1, 0)
elseif kind == 'newest' then
  local target = n - tonumber(what) + 1
  if target > numberIn(oldest[1]) then
    -- The entry of this number: the latest time from which on the first entry has no higher one.
    local low, high = timeIn(oldest[1]), t
    while low < high do
      local middle = math.floor((low + high + 1) / 2)
      local entry = redis.call('XRANGE', log, id(middle, 0), '+', 'COUNT', 1)[1]
      if entry and numberIn(entry[1]) <= target then low = middle else high = middle - 1 end
    end
    from = id(low, target)
  end
end
takeAll('XRANGE', from, '+')
return answer
`

/** KEYS: born, hash, stream. ARGV: epoch, life of a hash without its stream (ms), life of `born` (ms), time to live (ms), channel to tell it on, and what to tell. */
export const CLEAR_SCRIPT = `${COMMON}
local position, log = KEYS[2], KEYS[3]
local known = redis.call('HMGET', position, 't', 'n')
local t, n = tonumber(known[1]), tonumber(known[2])
if not n then
  t = quietSince(KEYS[1], log, tonumber(ARGV[2]), ARGV[3])
  n = 0
end
redis.call('DEL', log)
redis.call('HSET', position, 'e', ARGV[1], 't', string.format('%.0f', t), 'n', string.format('%.0f', n))
redis.call('PEXPIRE', position, string.format('%.0f', tonumber(ARGV[4]) + tonumber(ARGV[2])))
redis.call('PUBLISH', ARGV[5], ARGV[6])
return {ARGV[1], id(t, n)}
`
