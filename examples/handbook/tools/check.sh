# Fails if a page has no heading or a line that is too long to read.
faults=0
for page in "$1"/*.txt; do
  if ! head -n 1 "$page" | grep -q '^# '; then
    echo "$page: the first line is no heading" >&2
    faults=$((faults + 1))
  fi
  awk -v page="$page" 'length > 100 { print page ":" NR ": longer than 100 characters"; bad = 1 } END { exit bad }' \
    "$page" >&2 || faults=$((faults + 1))
done
echo "$(ls "$1" | wc -l) pages, $faults faults"
exit "$faults"
