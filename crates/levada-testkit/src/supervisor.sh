# Runs one server and ties its life to whoever holds the other end of standard input.
# Arguments: LOG SCRATCH FAREWELL COMMAND [ARGUMENT...]
# Each line read names a signal to pass on. End of input means that the owner has gone, however
# it went: then the server gets the FAREWELL signal, and SCRATCH, unless empty, is removed.
log=$1 scratch=$2 farewell=$3
shift 3
exec 3<&0 </dev/null >>"$log" 2>&1
"$@" 3<&- &
server=$!
(
  while read -r signal <&3; do
    kill -s "$signal" "$server"
  done
  # A mark, because only the shell below can wait until the server has let go of its files.
  [ -z "$scratch" ] || : >"$scratch/abandoned"
  kill -s "$farewell" "$server"
) &
watcher=$!
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
if [ -n "$scratch" ] && [ -e "$scratch/abandoned" ]; then
  rm -rf "$scratch"
fi
exit "$status"
