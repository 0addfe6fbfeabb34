"""/console: pages on which people see what the system does and act, without JavaScript.

router     assembles the pages         pages      templates, headers, errors     forms    forms, and who sent them
sessions   who is signed in            cookies    who keeps what                 words    times as the pages show them
signing_in the way in and out          provider   the same at a provider         moments  times as people give them
passkeys   the same with a passkey     ways_in    the page with them all         live, streams  pages kept up to date
joining    accepting an invitation     challenges what is to be signed           previews renditions, in a sandbox
adding_passkeys  one's own             own_passkeys  those there are, and codes  session_list  everybody's sessions
publish    uploads: looked at, then published, from the body that uploading reads
shown      what was shown of an article at a time
replays    what a channel is sent again since a time
needs_you, now, articles, bulk, calendar, channels, deliveries, failures, feeds, operations, references
           pages, with their actions
"""
