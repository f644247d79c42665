/**
 * What is done to a work queue in Redis in one step each. A queue is a stream with one consumer group, of which each node is
 * a consumer. What was given back belongs to a consumer that is nobody, and is claimed from it before anything new is read, so
 * it comes first. Beside the stream are two hashes: how often somebody has failed with a message, and how many
 * subscriptions each node has, and until when that holds. KEYS of each: stream, failures, nodes, and but for a Cluster
 * the dead stream, which has a slot of its own there. ARGV of each begin with: group, node.
 */

const COMMON = `
local stream, failures, nodes, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local group, node = ARGV[1], ARGV[2]
local NOBODY = '~given-back'
local CHUNK = 100

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function ensureGroup()
  local created = redis.pcall('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')
  if type(created) == 'table' and created.err and not string.find(created.err, 'BUSYGROUP', 1, true) then return created end
end

-- Redis 6.2 says it with ERR in front where it comes from a script.
local function lacksGroup(answer)
  return type(answer) == 'table' and answer.err and string.find(answer.err, 'NOGROUP', 1, true)
end

local function pending(first, last, count, consumer)
  local answer
  if consumer then answer = redis.pcall('XPENDING', stream, group, first, last, count, consumer)
  else answer = redis.pcall('XPENDING', stream, group, first, last, count) end
  if lacksGroup(answer) then return {} end
  return answer
end

local function isHeld(id)
  local found = pending(id, id, 1)
  return found[1] and found[1][2] == node
end

local function forget(...)
  redis.call('XACK', stream, group, ...)
  redis.call('XDEL', stream, ...)
  if redis.call('EXISTS', failures) == 1 then redis.call('HDEL', failures, ...) end
end

-- Until when each node is taken to live.
local function leases()
  local ends = {}
  local known = redis.call('HGETALL', nodes)
  for i = 1, #known, 2 do ends[known[i]] = tonumber(string.match(known[i + 1], ' (%d+)$') or '0') end
  return ends
end

-- Names of queues come from clients: of one that nobody uses and that holds nothing, nothing is left.
local function forgetEmpty()
  if dead and redis.call('XLEN', dead) == 0 and redis.call('EXISTS', dead) == 1 and #redis.call('XINFO', 'GROUPS', dead) == 0 then
    redis.call('DEL', dead)
  end
  if redis.call('EXISTS', nodes) == 1 or redis.call('XLEN', stream) > 0 then return end
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  if groups.err or #groups == 0 or #groups == 1 and groups[1][2] == group then redis.call('DEL', stream, failures) end
end

-- Returns how many there were. What is no longer in the stream is forgotten.
local function moveToNobody(consumer, idleMs)
  local moved = 0
  while true do
    local found = redis.call('XPENDING', stream, group, 'IDLE', idleMs, '-', '+', CHUNK, consumer)
    if #found == 0 then return moved end
    local command = {'XCLAIM', stream, group, NOBODY, '0'}
    for _, each in ipairs(found) do command[#command + 1] = each[1] end
    command[#command + 1] = 'JUSTID'
    redis.call(unpack(command))
    moved = moved + #found
  end
end
`

/**
 * ARGV: how many subscriptions the node has, how long that holds (ms), 1 if what others hold that are gone is given back,
 * for how long a message may be kept (ms), channel and name to tell of what was given back. Answers 1 if there is something
 * that was given back.
 */
export const RENEW_SCRIPT = `${COMMON}
local failure = ensureGroup()
if failure then return failure end
local current = now()
redis.call('HSET', nodes, node, ARGV[3] .. ' ' .. string.format('%.0f', current + ARGV[4]))
redis.call('PEXPIRE', nodes, 86400000)
if ARGV[5] == '1' then
  local living = {[NOBODY] = true}
  for name, untilMs in pairs(leases()) do
    if untilMs >= current then living[name] = true
    else redis.call('HDEL', nodes, name) end
  end
  local moved = 0
  for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
    local consumer = info[2]
    if not living[consumer] then
      moved = moved + moveToNobody(consumer, 0)
      redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer)
    elseif consumer ~= NOBODY then
      -- It lives, but cannot have kept its own time; or Redis gave it to a connection that was gone.
      moved = moved + moveToNobody(consumer, ARGV[6])
    end
  end
  if moved > 0 then redis.call('PUBLISH', ARGV[7], ARGV[8]) end
end
return #pending('-', '+', 1, NOBODY)
`

/** ARGV: no more. */
export const LEAVE_SCRIPT = `${COMMON}
redis.call('HDEL', nodes, node)
if #pending('-', '+', 1, node) == 0 then redis.pcall('XGROUP', 'DELCONSUMER', stream, group, node) end
for name, untilMs in pairs(leases()) do
  if untilMs < now() then redis.call('HDEL', nodes, name) end
end
forgetEmpty()
return 0
`

/**
 * ARGV: how many are wanted, ids of what is settled, the lowest first and the highest last. Answers, packed: of what came back
 * id, how often delivered and fields of each, and of what is new id and fields of each; nothing if there is nothing.
 */
export const WORK_SCRIPT = `${COMMON}
-- One look for all of them, unless the node holds very many that lie between.
local function heldIn(from, to)
  local found = pending(from, to, 4 * (#ARGV - 3) + CHUNK, node)
  if #found == 4 * (#ARGV - 3) + CHUNK then return nil end
  local held = {}
  for _, each in ipairs(found) do held[each[1]] = true end
  return held
end

if #ARGV > 3 then
  local held = heldIn(ARGV[4], ARGV[#ARGV])
  local settled = {}
  for i = 4, #ARGV do
    local id = ARGV[i]
    if held and held[id] or not held and isHeld(id) then settled[#settled + 1] = id end
  end
  if #settled == 0 and lacksGroup(redis.pcall('XPENDING', stream, group)) then
    -- Somebody has destroyed the group: nobody else can have been given them since.
    for i = 4, #ARGV do settled[#settled + 1] = ARGV[i] end
  end
  if #settled > 0 then forget(unpack(settled)) end
end

local wanted = tonumber(ARGV[3])
local answer = {}
if wanted == 0 then return false end

-- What somebody has deleted makes room for the next.
while #answer < wanted do
  local returned = pending('-', '+', wanted - #answer, NOBODY)
  if #returned == 0 then break end
  local command, counts = {'XCLAIM', stream, group, node, '0'}, {}
  for _, each in ipairs(returned) do
    command[#command + 1] = each[1]
    counts[each[1]] = each[4] + 1
  end
  for _, entry in ipairs(redis.call(unpack(command))) do
    if entry and entry[2] then
      answer[#answer + 1] = {entry[1], counts[entry[1]], entry[2]}
      counts[entry[1]] = nil
    end
  end
  for id in pairs(counts) do redis.call('XACK', stream, group, id) end
end

if #answer < wanted then
  local function read()
    return redis.pcall('XREADGROUP', 'GROUP', group, node, 'COUNT', wanted - #answer, 'STREAMS', stream, '>')
  end
  local new = read()
  if lacksGroup(new) then
    local failure = ensureGroup()
    if failure then return failure end
    new = read()
  end
  if type(new) == 'table' and new.err then return new end
  if new then return cmsgpack.pack({answer, new[1][2]}) end
end
if #answer == 0 then return false end
return cmsgpack.pack({answer, {}})
`

const COPY = `
-- A script cannot hand over more than some 8,000 parts at once; one with more keeps what means something.
local MOST_PARTS = 6000
local MEANT = {['body'] = true, ['content-type'] = true, ['headers'] = true}
local function portable(fields)
  if #fields <= MOST_PARTS then return fields end
  local kept = {}
  for i = 1, #fields, 2 do
    if MEANT[fields[i]] and #kept < MOST_PARTS then
      kept[#kept + 1] = fields[i]
      kept[#kept + 1] = fields[i + 1]
    end
  end
  return kept
end
`

/**
 * ARGV: why (empty if nobody has failed), after how many failures a message is dead, most dead messages, channel and name to
 * tell of what was given back, ids. Answers how many are dead; in a Cluster id and fields of each, which is held until it is buried.
 */
export const RETURN_SCRIPT = `${COMMON}${COPY}
local reason, most, maxLength = ARGV[3], tonumber(ARGV[4]), ARGV[5]
local returned, died, toBury = 0, 0, {}

-- Where Redis has no memory for it, nothing is counted or buried, and the queue goes on.
local function isFull(answer)
  return type(answer) == 'table' and answer.err and string.find(answer.err, 'OOM ', 1, true)
end

local function bury(id)
  local entry = redis.call('XRANGE', stream, id, id)[1]
  if not entry then return id end
  local command = {'XADD', dead, 'MAXLEN', maxLength, '*'}
  for _, part in ipairs(portable(entry[2])) do command[#command + 1] = part end
  command[#command + 1] = 'reason'
  command[#command + 1] = reason
  return redis.pcall(unpack(command))
end

for i = 8, #ARGV do
  local id = ARGV[i]
  if isHeld(id) then
    local isDead = reason == 'unreadable'
    if reason ~= '' and not isDead then
      local count = redis.pcall('HINCRBY', failures, id, 1)
      if type(count) == 'number' then
        isDead = count >= most
        redis.call('PEXPIRE', failures, 604800000)
      elseif not isFull(count) then
        return count
      end
    end
    if isDead and dead then
      local buried = bury(id)
      if isFull(buried) then isDead = false
      elseif type(buried) == 'table' and buried.err then return buried end
    end
    if isDead and not dead then
      local entry = redis.call('XRANGE', stream, id, id)[1]
      toBury[#toBury + 1] = {id, entry and portable(entry[2]) or {}}
    elseif isDead then
      forget(id)
      died = died + 1
    elseif reason ~= 'unreadable' then
      -- What cannot be read is looked at again when it was kept for too long.
      redis.call('XCLAIM', stream, group, NOBODY, '0', id, 'JUSTID')
      returned = returned + 1
    end
  end
end
if returned > 0 then redis.call('PUBLISH', ARGV[6], ARGV[7]) end
if not dead then return toBury end
return died
`

/** ARGV: no more. Answers the ids of what the node holds. */
export const HELD_SCRIPT = `${COMMON}
local ids, from = {}, '-'
while true do
  local found = pending(from, '+', CHUNK, node)
  for _, each in ipairs(found) do ids[#ids + 1] = each[1] end
  if #found < CHUNK then return ids end
  from = '(' .. found[#found][1]
end
`

/** ARGV: no more. Answers how many are there, how many of those are given to somebody, subscriptions, dead. */
export const COUNTS_SCRIPT = `${COMMON}
local given = 0
local summary = redis.pcall('XPENDING', stream, group)
if not lacksGroup(summary) then
  if summary.err then return summary end
  for _, each in ipairs(summary[4] or {}) do
    if each[1] ~= NOBODY then given = given + tonumber(each[2]) end
  end
end
local subscriptions, current = 0, now()
local known = redis.call('HVALS', nodes)
for _, value in ipairs(known) do
  local count, untilMs = string.match(value, '^(%d+) (%d+)$')
  if count and tonumber(untilMs) >= current then subscriptions = subscriptions + tonumber(count) end
end
return {redis.call('XLEN', stream), given, subscriptions, dead and redis.call('XLEN', dead) or 0}
`

const READY = `
-- Id behind which nobody has read yet.
local function lastRead()
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  if groups.err then return '0' end
  for _, info in ipairs(groups) do
    local named = {}
    for i = 1, #info, 2 do named[info[i]] = info[i + 1] end
    if named['name'] == group then return named['last-delivered-id'] end
  end
  return '0'
end
local function behind(id)
  if id == '0' or id == '0-0' then return '-' end
  return '(' .. id
end
`

const WALK = `
-- Hands over the oldest in turn, as long as that answers true. Few are read at a time: a script has them all in memory.
local function walk(key, from, take)
  while true do
    local entries = redis.call('XRANGE', key, from, '+', 'COUNT', 16)
    for _, entry in ipairs(entries) do
      if not take(entry) then return end
    end
    if #entries < 16 then return end
    from = '(' .. entries[#entries][1]
  end
end

-- Returns what says whether one more may be taken: so many, and so many octets in all, but for the first.
local function budget(most, maxBytes)
  local taken, bytes = 0, 0
  return function(entry)
    for _, part in ipairs(entry[2]) do bytes = bytes + #part end
    if taken == most or taken > 0 and bytes > maxBytes then return false end
    taken = taken + 1
    return true
  end
end
`

/** ARGV: 1 for the dead, how many, how many octets. Answers 1 if there are others, and entries. */
export const PEEK_SCRIPT = `${COMMON}${READY}${WALK}
local fits, entries, hasMore = budget(tonumber(ARGV[4]), tonumber(ARGV[5])), {}, 0
local function show(entry)
  if not fits(entry) then
    hasMore = 1
    return false
  end
  entries[#entries + 1] = entry
  return true
end
if ARGV[3] == '1' then
  walk(dead, '-', show)
  return {hasMore, entries}
end
for _, each in ipairs(pending('-', '+', ARGV[4] + 1, NOBODY)) do
  local entry = redis.call('XRANGE', stream, each[1], each[1])[1]
  if entry and not show(entry) then return {hasMore, entries} end
end
walk(stream, behind(lastRead()), show)
return {hasMore, entries}
`

/** ARGV: 1 for the dead, how many at most, how many octets. Answers how many were deleted, and 1 if there are others. */
export const PURGE_SCRIPT = `${COMMON}${READY}${WALK}
local wanted, purged, hasMore = tonumber(ARGV[4]), 0, 0
local function purge(key, from)
  local fits = budget(wanted - purged, tonumber(ARGV[5]))
  walk(key, from, function(entry)
    if not fits(entry) then
      hasMore = 1
      return false
    end
    purged = purged + redis.call('XDEL', key, entry[1])
    return true
  end)
end
if ARGV[3] == '1' then
  purge(dead, '-')
else
  for _, each in ipairs(pending('-', '+', wanted, NOBODY)) do
    forget(each[1])
    purged = purged + 1
  end
  purge(stream, behind(lastRead()))
end
forgetEmpty()
return {purged, hasMore}
`

/** ARGV: most messages of the queue, how many at most, how many octets. Answers how many went back, and 1 if there are others. */
export const REDRIVE_SCRIPT = `${COMMON}${COPY}${WALK}
local moved, hasMore = 0, 0
local room = math.min(tonumber(ARGV[3]) - redis.call('XLEN', stream), tonumber(ARGV[4]))
if room <= 0 then return {moved, hasMore} end
local fits = budget(room, tonumber(ARGV[5]))
walk(dead, '-', function(entry)
  if not fits(entry) then
    hasMore = 1
    return false
  end
  local command = {'XADD', stream, '*'}
  local fields = portable(entry[2])
  for i = 1, #fields, 2 do
    if fields[i] ~= 'reason' or i ~= #fields - 1 then
      command[#command + 1] = fields[i]
      command[#command + 1] = fields[i + 1]
    end
  end
  if #command == 3 then
    -- It held nothing, and a stream takes nothing without fields.
    command[#command + 1] = 'body'
    command[#command + 1] = ''
  end
  redis.call(unpack(command))
  redis.call('XDEL', dead, entry[1])
  moved = moved + 1
  return true
end)
forgetEmpty()
return {moved, hasMore}
`

/**
 * Messages for one queue from several senders. KEYS: stream. ARGV: most messages that it holds, then for each message how many
 * names and values of fields there are, and those. Answers 1 for each that was added, and 0 for each that has no room.
 */
export const ENQUEUE_SCRIPT = `
local stream = KEYS[1]
local length = redis.call('XLEN', stream)
local answer = {}
local arg = 2
while arg <= #ARGV do
  local count = tonumber(ARGV[arg])
  local room = length < tonumber(ARGV[1])
  if room then
    redis.call('XADD', stream, '*', unpack(ARGV, arg + 1, arg + count))
    length = length + 1
  end
  answer[#answer + 1] = room and 1 or 0
  arg = arg + count + 1
end
return answer
`
