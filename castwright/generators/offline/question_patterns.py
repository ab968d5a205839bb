"""The wordings by which questions are told apart: patterns only, read by `topics`.

They stand in one place and in the order in which `topics` tries them, so that a new wording is a change of
one line. Every pattern is written for text whose contractions are expanded. Rejected: patterns beside each
use, where nobody sees which of them comes first.
"""

from __future__ import annotations

import re

SPACE = re.compile(r"\s+")


SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?]+(?=\s|$)|$)")


LEAD = re.compile(
    r"^(?:(?:so|well|hey|hi|hello|okay|ok|oh|and|but|please|now|dear sir|excuse me|"
    r"honestly|seriously)\b[,!.]?\s+|(?:quick|say|look|listen|friend|honey|sir),\s+|"
    r"(?:can|could|would|will) you (?:please |kindly )?(?=(?:tell|explain|describe|help|"
    r"give|share|talk|write|show|teach|recommend|suggest)\b)|"
    r"(?:please\s+)|(?:tell me,?\s+(?=(?:what|why|how|who|when|where|which|do|does|is|are|have|did)\b))|"
    r"(?:do you know|i wonder|i was wondering|i would like to know|i want to know|any "
    r"idea)\s+(?=(?:what|why|how|who|when|where|which|if|whether)\b)|"
    r"(?:in your (?:opinion|view|experience|life|time|trade)|(?:as|being) an? [a-z ]{2,30}|"
    r"if you had to choose|looking back|deep down|[A-Z][a-z]+),\s+)",
    re.IGNORECASE,
)


IMPERATIVE = re.compile(
    r"^(?:tell (?:me|us)(?: (?:a bit|a little|something|more))?(?: about| of)?|describe(?: "
    r"to me)?(?: for me)?|explain(?: to me)?|"
    r"talk(?: to me| to us)? (?:about|me through)|share|write(?: me)?(?: about)?|give "
    r"(?:me|us)|show (?:me|us)|"
    r"teach (?:me|us)|recommend(?: me)?|suggest|list|name|convince me|introduce|walk me "
    r"through|compare|summari[sz]e)\s+(?P<rest>.+)$",
    re.IGNORECASE,
)


VERSE = re.compile(
    r"^(?:write|compose|give me|make up|recite)\b.*\b(?:poems?|verses?|rhym\w+|haiku|"
    r"limerick|couplet|song|lullaby|sonnet|lines)\b.*?\b(?:about|on|for|of|to) "
    r"(?P<thing>.+)$",
    re.IGNORECASE,
)


GREETING = re.compile(
    r"^(?:hello|hi|hey|greetings|good (?:morning|evening|afternoon|day)|how are you|how do "
    r"you do|how is (?:it going|your day)|how (?:was|has) your (?:day|week|morning)|is "
    r"this seat taken|lovely weather|nice (?:day|weather))\b",
    re.IGNORECASE,
)


SELF = [
    (
        "name",
        re.compile(
            r"\b(?:what is your (?:full )?name|who are you|introduce yourself|what (?:should|may|"
            r"can|do) (?:i|people|they) call you)\b",
            re.IGNORECASE,
        ),
    ),
    ("age", re.compile(r"\bhow old are you\b|\bwhat is your age\b|\byour age\b", re.IGNORECASE)),
    (
        "job",
        re.compile(
            r"\b(?:what do you do(?: for (?:a living|work))?\s*\?|(?:your|a) (?:job|occupation|"
            r"profession|trade|living)\b(?! [a-z])|what is your (?:job|work|occupation|trade|"
            r"profession)|typical day|your (?:work|job|trade) )",
            re.IGNORECASE,
        ),
    ),
    (
        "home",
        re.compile(
            r"\bwhere (?:do you (?:live|come from)|are you from|did you grow up|were you born)\b|"
            r"\byour (?:home ?town|home|village|birthplace|neighbou?rhood)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "kin",
        re.compile(
            r"\byour (?:family|wife|husband|brother|sister|children|mother|father|parents|friends?|"
            r"best friend)\b",
            re.IGNORECASE,
        ),
    ),
]


HOW_TO = re.compile(
    r"^how (?:do|can|should|could|would|does|might|to)\s+(?:(?:i|you|we|one|someone|"
    r"somebody|people|anyone) )?(?:(?:go about|begin to|start to) )?(?P<act>.+)$",
    re.IGNORECASE,
)


WAY_TO = re.compile(
    r"\b(?:way|ways|tips|trick|secret|how|advice|rules?|time|idea|wise|right|wrong|"
    r"possible|important|hard|difficult|easy|better|best|good|like|worth|mean|means|feel|"
    r"steps) (?:to|for) (?P<act>.+)$",
    re.IGNORECASE,
)


RATHER = re.compile(
    r"^(?:would you (?:rather|prefer(?: to)?)|which (?:is|are|do you|would "
    r"you)\b[^,:]*[,:]|do you (?:prefer|like)|who (?:is|was)\b[^,]*,|(?:is it|are you|"
    r"should (?:i|one|we))(?: better| wiser)?(?: to)?|what is (?:better|worse|harder|more "
    r"important)[,:]|)\s*(?P<a>[^,?]+?),? or (?P<b>[^,?]+)$",
    re.IGNORECASE,
)


OPINION = re.compile(
    r"\b(?:think|feel|opinion|view|views|thoughts|believe) (?:of|about|on|"
    r"in)\s+(?P<thing>[^,?]+)$",
    re.IGNORECASE,
)


WHAT_TO = re.compile(
    r"^what (?:do|should|can|could|would|else can|on earth do|must) (?:(?:i|we) |you "
    r"(?=(?:say to|tell|do (?:when|if|about|with))\b))(?P<act>.+)$",
    re.IGNORECASE,
)


VAGUE = frozenset(
    {
        "do",
        "say",
        "do now",
        "do then",
        "do next",
        "say then",
        "say so",
        "do so",
        "do it",
        "do that",
        "say it",
        "say that",
        "put it",
        "tell them",
        "go on",
    }
)


ADVICE = re.compile(
    r"\b(?:should i|should we|what would you do|any (?:advice|tips|suggestions)|what "
    r"advice|advise|do you recommend|would you recommend|would you suggest|how do i "
    r"(?:deal|cope|stop|get over|tell|know)|help me)\b",
    re.IGNORECASE,
)


HOW_MUCH = re.compile(r"^how (?:many|much|long|old|far|often|big|tall|deep|fast|high|heavy)\b", re.IGNORECASE)


FAVOURITE = re.compile(r"\byour (?:own )?favou?rite\b|\bdo you (?:like|love|enjoy|hate|prefer)\b", re.IGNORECASE)


FEELING = re.compile(r"\b(?:i|my|we|our|me)\b", re.IGNORECASE)


SECOND_ASKING = re.compile(
    r",? (?:and|so) (?=(?:when|why|how|what|who|where|is|are|was|were|did|do|does|can|if|"
    r"would|should|explain)\b)",
    re.IGNORECASE,
)


TOKEN = re.compile(r"[a-z][a-z'’-]*", re.IGNORECASE)


BAD_TOPIC = re.compile(r"[<>{}\[\]|\\=_*#`]|https?:|\d{5,}|\n")


# "What does X mean": the thing is X, quotation marks and all
MEANING = re.compile(
    r"^what (?:does|do|did) (?P<thing>.+?) (?:mean|stand for|signify)$",
    re.IGNORECASE,
)

# what may hang on at the end of a question without being asked
TAIL = re.compile(
    r",? (?:do you (?:think|reckon|suppose)|would you say|in your (?:view|opinion)|exactly|please|honestly)$",
    re.IGNORECASE,
)

# losses and loneliness that no single word tells
LOSS = re.compile(
    r"\b(?:lost (?:my|our|the baby)|left me|(?:he|she) left|(?:feel|am|so|all|dinner|live) alone|"
    r"passed away|misses? (?:him|her)|cannot sleep)\b",
    re.IGNORECASE,
)
