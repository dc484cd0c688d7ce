/**
 * The Lua that runs inside Redis. A script that fails in the middle is not undone, so each checks everything first
 * and writes last. Revisions and ids stay strings: Lua's numbers are doubles.
 */

/** Milliseconds of Redis' own clock. It may jump: nothing is decided by it alone. */
const NOW = `
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)`;

/**
 * Appends entries to the log if its head is still the one they were made for, which has the operation in it that made it.
 *
 * KEYS log, head, leases. ARGV expected head, operation id, n guards, then n of lease id and the deadline that it must still have;
 * n grants, then n of lease id and TTL in ms; n ended leases, then their ids; n entries, and in one argument, each with its length
 * in front (big endian, 2 octets, the last 4), n of stream id, operation, the operation of the entry before, and bytes.
 * Answers {1}: done, or done before under the same operation id; {0, head, entries}: another head, and up to 1000 entries behind
 * the expected one; {2, id}: that lease has been renewed; {3, head}: the log does not have the expected head in it, nor does it
 * begin behind it.
 */
export const APPEND: string = `
local expected, op, at = ARGV[1], ARGV[2], 3
local function list(width)
  local from = at + 1
  at = from + tonumber(ARGV[at]) * width
  return from, at - 1
end
local head = redis.call('GET', KEYS[2]) or '1-0 -'
if head ~= expected then
  local id, known = string.match(expected, '^(%S+) (%S+)$')
  local last = redis.call('XRANGE', KEYS[1], id, id)
  if last[1] and last[1][2][2] ~= known then return {3, head} end
  local missed = redis.call('XRANGE', KEYS[1], '(' .. id, '+', 'COUNT', 1000)
  if missed[1] and missed[1][2][2] == op then return {1} end
  return {0, head, missed}
end
local first, last = list(2)
for i = first, last, 2 do
  if redis.call('ZSCORE', KEYS[3], ARGV[i]) ~= ARGV[i + 1] then return {2, ARGV[i]} end
end
local grants, grantsEnd = list(2)
local ended, endedEnd = list(1)
local id, by, before, entry
local from, entries = 1, ARGV[at + 1]
for i = 1, tonumber(ARGV[at]) do
  id, by, before, entry, from = struct.unpack('>I2c0I2c0I2c0I4c0', entries, from)
  redis.call('XADD', KEYS[1], id, 'op', by, 'p', before, 'e', entry)
end
if id then redis.call('SET', KEYS[2], id .. ' ' .. by) end
if grants <= grantsEnd then
${NOW}
for i = grants, grantsEnd, 2 do
  redis.call('ZADD', KEYS[3], string.format('%.0f', now + tonumber(ARGV[i + 1])), ARGV[i])
end
end
for i = ended, endedEnd do redis.call('ZREM', KEYS[3], ARGV[i]) end
return {1}`;

/** KEYS leases. ARGV lease id, TTL in ms. Answers the new deadline, or nothing where the lease is gone. */
export const KEEP_ALIVE: string = `
${NOW}
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not known then return false end
local deadline = now + tonumber(ARGV[2])
if deadline <= tonumber(known) then deadline = tonumber(known) + 1 end
redis.call('ZADD', KEYS[1], string.format('%.0f', deadline), ARGV[1])
return string.format('%.0f', deadline)`;

/**
 * Gives leases their whole TTL again after a time in which nobody could renew them. KEYS leases. ARGV pairs of lease id
 * and TTL in ms. A later deadline stays.
 */
export const EXTEND: string = `
${NOW}
for i = 1, #ARGV, 2 do
  local deadline = redis.call('ZSCORE', KEYS[1], ARGV[i])
  local extended = now + tonumber(ARGV[i + 1])
  if not deadline or tonumber(deadline) < extended then
    redis.call('ZADD', KEYS[1], string.format('%.0f', extended), ARGV[i])
  end
end
return 1`;

/** KEYS leases. ARGV lease ids. Answers Redis' time and each lease's deadline, in ms, or '' where it has none. */
export const DEADLINES: string = `
${NOW}
local answer = {string.format('%.0f', now)}
for i = 1, #ARGV do answer[i + 1] = redis.call('ZSCORE', KEYS[1], ARGV[i]) or '' end
return answer`;

/**
 * Puts an uploaded snapshot in place and drops the log before it, unless a later one is there already.
 * KEYS log, meta, snapshot, uploaded. ARGV revision, head, first stream id to keep.
 */
export const INSTALL_SNAPSHOT: string = `
local known = redis.call('HGET', KEYS[2], 'snapshot_revision')
if known and tonumber(known) >= tonumber(ARGV[1]) then
  redis.call('DEL', KEYS[4])
  return 0
end
redis.call('RENAME', KEYS[4], KEYS[3])
redis.call('PERSIST', KEYS[3])
redis.call('HSET', KEYS[2], 'snapshot_revision', ARGV[1], 'snapshot_head', ARGV[2])
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[3])
return 1`;
