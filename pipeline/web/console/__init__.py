"""/console: pages on which people see what the system does and act, without JavaScript.

router    assembles the pages          sessions  who is signed in        signing_in  the way in and out
provider  the same at a provider       cookies   who keeps what          session_list  everybody's sessions
passkeys  the same with a passkey      ways_in   the page with them all  own_passkeys  everybody's passkeys
joining   accepting an invitation      challenges  what is to be signed
pages     templates, headers, errors   forms     forms, and who sent them  words     times as the pages show them
previews  renditions, in a sandbox
publish  uploads: looked at, then published, from the body that uploading reads
needs_you, now, articles, bulk, calendar, channels, failures, operations  pages, with their actions
"""
