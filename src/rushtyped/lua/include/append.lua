-- Append many values to a list or set with few commands; unpack has a limit.
local function append(command, key, values)
  for first = 1, #values, 1000 do
    redis.call(command, key, unpack(values, first, math.min(first + 999, #values)))
  end
end
