"""castwright: characters, questions and real chats become persona training data.

The top level stays empty on purpose: importing it costs nothing and loads no model library. Take what
you need from the rooms: `castwright.personas`, `castwright.generators`, `castwright.filters`,
`castwright.pipelines`.
"""

__version__ = "0.3.0"
