#!lua
-- Takes from fixed windows: a batch of independent calls, each done before the next. A call charges all of its windows
-- or none; nothing is written on a refusal or a peek.
-- @key windows... for each call, the key of its rules' windows
-- @arg calls... for each call: the cost; 1 to charge or 0 to peek; the number of rules; then each rule's limit and
-- window (ms)
-- @returns a list, for each call: 1 when allowed or 0, the server's time in ms, then what is taken in each rule's window
local answers = {}
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local at = 1

for k = 1, #KEYS do
  local cost = tonumber(ARGV[at])
  local charge = ARGV[at + 1] == '1'
  local rules = tonumber(ARGV[at + 2])
  at = at + 3

  local format = '<' .. string.rep('d', 2 * rules)
  local value = redis.call('GET', KEYS[k])
  local stored = value and { struct.unpack(format, value) } or {}
  local allowed = 1
  local ends = now
  local windows = {}
  local answer = { 0, now }
  for r = 1, rules do
    local limit = tonumber(ARGV[at])
    local window = tonumber(ARGV[at + 1])
    at = at + 2
    local index = math.floor(now / window)
    local count = 0
    if stored[2 * r - 1] == index then count = stored[2 * r] end
    if count + cost > limit then allowed = 0 end
    ends = math.max(ends, (index + 1) * window)
    windows[2 * r - 1] = index
    windows[2 * r] = count
    answer[r + 2] = count
  end

  answer[1] = allowed
  if allowed == 1 and charge then
    for r = 1, rules do
      windows[2 * r] = windows[2 * r] + cost
      answer[r + 2] = windows[2 * r]
    end
    redis.call('SET', KEYS[k], struct.pack(format, unpack(windows)), 'PX', ends - now)
  end
  answers[k] = answer
end

return answers
