/**
 * The Lua that runs inside Redis. A script that fails in the middle is not undone, so each checks everything first
 * and writes last. Revisions and ids stay strings: Lua's numbers are doubles.
 */

/** Milliseconds of Redis' own clock, which decides when leases end. */
const NOW = `
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)`;

/**
 * Appends entries to the log if its head is still the one they were made for.
 *
 * KEYS log, head, leases. ARGV expected head, operation id, n guards, then n lease ids that must be past their deadline;
 * n grants, then n of lease id and TTL in ms; n ended leases, then their ids; n entries, then n of stream id and bytes.
 * Answers {1}: done, or done before under the same operation id; {0, head, entries}: another head, and up to
 * 1000 entries behind the expected one; {2, id, ms}: that lease still has so many milliseconds.
 */
export const APPEND: string = `
local expected, op, at = ARGV[1], ARGV[2], 3
local function list(width)
  local from = at + 1
  at = from + tonumber(ARGV[at]) * width
  return from, at - 1
end
local head = redis.call('GET', KEYS[2]) or '1-0'
if head ~= expected then
  local missed = redis.call('XRANGE', KEYS[1], '(' .. expected, '+', 'COUNT', 1000)
  if missed[1] and missed[1][2][2] == op then return {1} end
  return {0, head, missed}
end
${NOW}
local first, last = list(1)
for i = first, last do
  local deadline = redis.call('ZSCORE', KEYS[3], ARGV[i])
  if deadline and tonumber(deadline) > now then
    return {2, ARGV[i], string.format('%.0f', tonumber(deadline) - now)}
  end
end
first, last = list(2)
local grants, grantsEnd = first, last
first, last = list(1)
local ended, endedEnd = first, last
first, last = list(2)
for i = first, last, 2 do redis.call('XADD', KEYS[1], ARGV[i], 'op', op, 'e', ARGV[i + 1]) end
if last > first then redis.call('SET', KEYS[2], ARGV[last - 1]) end
for i = grants, grantsEnd, 2 do
  redis.call('ZADD', KEYS[3], string.format('%.0f', now + tonumber(ARGV[i + 1])), ARGV[i])
end
for i = ended, endedEnd do redis.call('ZREM', KEYS[3], ARGV[i]) end
return {1}`;

/** KEYS leases. ARGV lease id, TTL in ms. Answers 1: renewed, 0: unknown or past its deadline. */
export const KEEP_ALIVE: string = `
${NOW}
local deadline = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not deadline or tonumber(deadline) <= now then return 0 end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2])), ARGV[1])
return 1`;

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

/**
 * Puts an uploaded snapshot in place and drops the log before it, unless a later one is there already.
 * KEYS log, meta, snapshot, uploaded. ARGV revision, position, first stream id to keep.
 */
export const INSTALL_SNAPSHOT: string = `
local known = redis.call('HGET', KEYS[2], 'snapshot_revision')
if known and tonumber(known) >= tonumber(ARGV[1]) then
  redis.call('DEL', KEYS[4])
  return 0
end
redis.call('RENAME', KEYS[4], KEYS[3])
redis.call('PERSIST', KEYS[3])
redis.call('HSET', KEYS[2], 'snapshot_revision', ARGV[1], 'snapshot_position', ARGV[2])
redis.call('XTRIM', KEYS[1], 'MINID', ARGV[3])
return 1`;
