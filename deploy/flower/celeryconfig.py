"""What Flower must know of Citewire's queue: where it is, and the prefix of its keys."""

import os

broker_url = os.environ["FLOWER_BROKER"]
broker_transport_options = {"global_keyprefix": "citewire:"}
