-- Create tasks as another network has had them; one that exists already is left alone.
-- KEYS[1] meta hash
-- KEYS[2] all list
-- KEYS[3] queue list
-- KEYS[4] finished list
-- KEYS[5] failed zset
-- KEYS[6] events stream
-- ARGV[1] prefix of the network's keys
-- ARGV[2...] per task: key, state (queued, finished or failed), number of its fields, then names and
--   values of these, among them xs, attempt and created_at, and finished_at of what has ended
-- Returns the number of tasks created, -1 where there is no network any more
-- include append, announce, expire, network
local meta, all, queue = KEYS[1], KEYS[2], KEYS[3]
local finished, failed, events = KEYS[4], KEYS[5], KEYS[6]
local prefix = ARGV[1]
local at, exists = network(meta)
if not exists then return -1 end
local created, by_state = {}, {queued = {}, finished = {}, failed = {}}
local i = 2
while i <= #ARGV do
  local key, state, n_fields = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local task, last = prefix .. 'task:' .. key, i + 2 + 2 * n_fields
  if redis.call('EXISTS', task) == 0 then
    redis.call('HSET', task, 'state', state, unpack(ARGV, i + 3, last))
    expire(at, task)
    if state == 'failed' then
      redis.call('ZADD', failed, redis.call('HGET', task, 'finished_at'), key)
    end
    table.insert(by_state[state], key)
    created[#created + 1] = key
  end
  i = last + 1
end
if #created > 0 then
  append('RPUSH', all, created)
  append('RPUSH', queue, by_state.queued)
  append('RPUSH', finished, by_state.finished)
  expire(at, all, queue, finished, failed)
end
for _, state in ipairs({'queued', 'finished', 'failed'}) do
  if #by_state[state] > 0 then announce(events, state, #by_state[state], '') end
end
return #created
