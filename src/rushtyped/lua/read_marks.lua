-- Read what the hashes of tasks say of themselves.
-- ARGV[1] prefix of the network's keys
-- ARGV[2...] task keys
-- Returns {state, worker id, what is wrong with the hash ('' for nothing), ...}
-- include check_fields
local prefix = ARGV[1]
local marks = {}
for i = 2, #ARGV do
  local state, worker_id, fault = check_fields(prefix .. 'task:' .. ARGV[i])
  marks[#marks + 1] = state
  marks[#marks + 1] = worker_id
  marks[#marks + 1] = fault
end
return marks
