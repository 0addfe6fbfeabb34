"""places: bring what lies at each place to what the settings in force want.

    changes    compare the places that are known with those that the settings name (pure)
    take_up    make the settings the ones in force: places are left, taken over and added, in one transaction
    fill       give a place the articles that it lacks, a page at a time
    leaving    empty a place that its channel has left, or give it up
    stage      fill and empty places in the background
    plan       what taking up settings would do; `rerender`: which articles would be rendered again
    reconcile  read places back, and compare what is there with what the ledger says; `reading`: once a day
    survey     after a restore, ask a place what it has beyond the backup; `former`: what only the former ledger knows

A channel's id is a name; a place is where its copies are. A place that no channel has any longer is an orphan: it is
still corrected and withdrawn from, with the settings that it had last, until it is emptied or given up.
"""
