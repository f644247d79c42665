/**
 * What Redis does in one go for a consumer, in Lua for Redis 6.2 and later and for Valkey. Inside a script replies have
 * the same shape whatever protocol the connection speaks. `KEYS[1]` is the stream, `KEYS[2]` the one of dead letters.
 */

/**
 * Writes an entry to the dead letters and takes it from the group, with the group in `ARGV[1]`. If it cannot be written,
 * it stays where it is: returns why. Not by an error, with which the rest of the script would not be done.
 */
const BURY = `
local function bury(id, fields, stream, reason)
  local letter = {}
  for i, text in ipairs(fields) do letter[i] = text end
  for _, text in ipairs({'reason', reason, 'stream', stream, 'id', id}) do letter[#letter + 1] = text end
  local done, problem = pcall(function() redis.call('XADD', KEYS[2], '*', unpack(letter)) end)
  if not done then return type(problem) == 'table' and problem.err or problem end
  redis.call('XACK', KEYS[1], ARGV[1], id)
end
`

/**
 * Takes over what idles, and counts the delivery. What has been delivered too often goes to the dead letters; what has
 * been deleted from the stream leaves the group, which Redis 6.2 does not do by itself.
 *
 * ARGV: group, consumer, idle ms, cursor, most entries, most deliveries or 0, name of the stream, ids that run here.
 * Returns the next cursor, then each entry as id, fields and the number of its delivery, then why there are no dead
 * letters, or nothing.
 */
export const CLAIM = `${BURY}
local running = {}
for i = 8, #ARGV do running[ARGV[i]] = true end
local most = tonumber(ARGV[6])
local found = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], 'COUNT', ARGV[5], 'JUSTID')
local claimed = {}
local problem
for _, id in ipairs(found[2]) do
  if not running[id] then
    local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
    local deliveries = redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1)[1][4]
    if not entry then
      redis.call('XACK', KEYS[1], ARGV[1], id)
    elseif most > 0 and deliveries >= most then
      problem = bury(id, entry[2], ARGV[7], 'not acknowledged after delivery ' .. deliveries) or problem
    else
      redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id)
      claimed[#claimed + 1] = {id, entry[2], deliveries + 1}
    end
  end
end
return {found[1], claimed, problem}
`

/** Ends the idle time of entries that are still this consumer's. ARGV: group, consumer, ids. */
export const RENEW = `
for i = 3, #ARGV do
  if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2]) > 0 then
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
  end
end
`

/** Sends an entry that is still this consumer's to the dead letters. ARGV: group, consumer, id, name of the stream, reason. */
export const BURY_ONE = `${BURY}
if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2]) == 0 then return end
local entry = redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3])[1]
if not entry then return redis.call('XACK', KEYS[1], ARGV[1], ARGV[3]) end
local problem = bury(ARGV[3], entry[2], ARGV[4], ARGV[5])
if problem then return redis.error_reply(problem) end
`
