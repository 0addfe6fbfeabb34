// Reads a feed and the pages behind it with feedsmith: `node feedsmith_follow.mjs URL` prints a JSON list of
// [document, id, text, title, date] for each entry.
import { parseFeed } from 'feedsmith'

const found = []
let address = process.argv[2]
while (address) {
  const answer = await fetch(address)
  if (answer.status !== 200) throw new Error(`${address}: ${answer.status}`)
  const { format, feed } = parseFeed(await answer.text())
  const links = [...(feed.links ?? []), ...(feed.atom?.links ?? [])]
  for (const entry of feed.entries ?? feed.items ?? []) {
    const id = typeof entry.id === 'string' ? entry.id : (entry.guid?.value ?? entry.guid)
    const summary = entry.summary?.value ?? entry.summary ?? entry.description
    const content = entry.content?.value ?? entry.content?.encoded ?? entry.content_html
    found.push([address, id, `${summary ?? ''}${content ?? ''}`, entry.title?.value ?? entry.title, `${entry.updated ?? entry.pubDate ?? entry.date_modified}`])
  }
  address = format === 'json' ? feed.next_url : links.find((link) => link.rel === 'prev-archive')?.href
}
console.log(JSON.stringify(found))
