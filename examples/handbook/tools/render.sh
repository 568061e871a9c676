# Writes an HTML page for each text.
pages=$1 layout=$2 site=$3
mkdir -p "$site"
for page in "$pages"/*.txt; do
  name=$(basename "$page" .txt)
  heading=$(head -n 1 "$page" | sed 's/^# //')
  text=$(tail -n +2 "$page" | tr '\n' ' ')
  sed -e "s|@TITLE@|$TITLE|" -e "s|@HEADING@|$heading|" -e "s|@TEXT@|$text|" "$layout" > "$site/$name.html"
  echo "$name.html"
done
