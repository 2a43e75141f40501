-- Put failed tasks back to the end of the queue, as their next attempt.
-- KEYS[1] meta hash
-- KEYS[2] queue list
-- KEYS[3] failed zset
-- KEYS[4] events stream
-- ARGV[1] prefix of the network's keys
-- ARGV[2] token of the request; a repeat has the same
-- ARGV[3...] task keys
-- Returns {moved...}: per task 1 where this call or its repeat queued it, 0 where not, -1 where
--   there is no such task (then nothing at all is written)
-- include append, announce, expire, network
local meta, queue, failed, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local prefix, token = ARGV[1], ARGV[2]
local moved, unknown = {}, false
for i = 3, #ARGV do
  local task = redis.call('HMGET', prefix .. 'task:' .. ARGV[i], 'state', 'retried_by')
  local outcome = 0
  if not task[1] then
    outcome, unknown = -1, true
  elseif task[2] == token then
    outcome = 1
  elseif task[1] == 'failed' then
    outcome = 2
  end
  moved[#moved + 1] = outcome
end
local fresh = {}
for j = 1, #moved do
  if moved[j] == 2 then
    moved[j] = unknown and 0 or 1
    local key = ARGV[j + 2]
    local task = prefix .. 'task:' .. key
    if not unknown and redis.call('ZREM', failed, key) == 1 then
      redis.call('HDEL', task, 'condition', 'worker_id', 'started_at', 'finished_at')
      -- no HINCRBY: it would stop halfway where something else wrote the number
      local attempt = tonumber(redis.call('HGET', task, 'attempt') or '') or 0
      redis.call('HSET', task, 'state', 'queued', 'retried_by', token, 'attempt', attempt + 1)
      fresh[#fresh + 1] = key
    end
  end
end
if #fresh > 0 then
  append('RPUSH', queue, fresh)
  expire(network(meta), queue)
  announce(events, 'queued', #fresh, '')
end
return moved
