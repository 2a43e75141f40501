-- Check that a worker runs what it lists as its own; mend that where asked to.
-- KEYS[1] worker:<id>:tasks set
-- ARGV[1] prefix of the network's keys
-- ARGV[2] 1 to mend, 0 to look only
-- ARGV[3] worker id
-- ARGV[4...] task keys that it lists
-- Returns the keys of tasks that it does not run
local owned = KEYS[1]
local prefix, mend, worker_id = ARGV[1], ARGV[2] == '1', ARGV[3]
local strange = {}
for i = 4, #ARGV do
  local task = redis.call('HMGET', prefix .. 'task:' .. ARGV[i], 'state', 'worker_id')
  local is_listed = redis.call('SISMEMBER', owned, ARGV[i]) == 1
  if is_listed and not (task[1] == 'running' and task[2] == worker_id) then
    strange[#strange + 1] = ARGV[i]
    if mend then redis.call('SREM', owned, ARGV[i]) end
  end
end
return strange
