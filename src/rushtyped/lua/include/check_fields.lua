-- State and worker that a task's hash names, and what is wrong with it ('' for nothing).
local NEEDED_FIELDS = {}
NEEDED_FIELDS.queued = {}
NEEDED_FIELDS.running = {'worker_id', 'started_at'}
NEEDED_FIELDS.finished = {'ys', 'finished_at'}
NEEDED_FIELDS.failed = {'condition', 'finished_at'}
local function check_fields(task)
  local kind = redis.call('TYPE', task).ok
  if kind == 'none' then return '', '', 'hash_missing' end
  if kind ~= 'hash' then return '', '', 'wrong_type' end
  local found = redis.call('HMGET', task, 'state', 'worker_id', 'attempt', 'xs', 'created_at',
    'started_at', 'finished_at')
  local state, worker_id = found[1] or '', found[2] or ''
  if not NEEDED_FIELDS[state] then return state, worker_id, 'state_unknown' end
  local missing = not (found[3] and found[4] and found[5])
  for _, field in ipairs(NEEDED_FIELDS[state]) do
    missing = missing or redis.call('HEXISTS', task, field) == 0
  end
  if missing then return state, worker_id, 'fields_missing' end
  local last = 0
  for i = 5, 7 do
    local time = tonumber(found[i] or last)
    if not time or time < last then return state, worker_id, 'fields_wrong' end
    last = time
  end
  if (tonumber(found[3]) or 0) < 1 then return state, worker_id, 'fields_wrong' end
  return state, worker_id, ''
end
