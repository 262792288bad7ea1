"""What stands around people's names in English, each with its weight for (or against) a person.

A pattern on the left ends where the name begins, one on the right begins where it ends.
"""

from __future__ import annotations

import regex

Cue = tuple[regex.Pattern[str], float]

TITLES = "mr|mrs|ms|miss|mx|dr|prof|professor|sir|madam|madame|lord|lady|judge|captain|sgt|rev|hon"
FIELDS = (
    "name|contact|employee|manager|attn|attention|author|by|cc|from|to|sender|recipient|signed|supervisor|reviewer|"
    "approver|owner|assignee|requester|candidate|applicant|attendee|patient|client|customer|holder|guardian|"
    "beneficiary|spouse|referee|host|guest|colleague|buddy|mentor"
)
NAME_KINDS = (
    "full|first|last|middle|maiden|family|given|birth|married|legal|my|his|her|their|your|employee|customer|client|"
    "patient|contact|guest|directed|written|produced|prepared|approved|signed|submitted|requested|reported|assigned"
)
KIN = (
    "wife|husband|spouse|partner|son|daughter|kid|child|brother|sister|mother|father|mum|mom|dad|aunt|uncle|cousin|"
    "niece|nephew|friend|boss|colleague|coworker|teammate|neighbou?r|girlfriend|boyfriend|grandmother|grandfather|"
    "assistant|buddy|mentor|landlord|doctor|lawyer|nanny"
)
ROLES = (
    "producer|songwriter|singer|player|director|actor|actress|writer|author|leader|president|minister|chairman|"
    "chairwoman|manager|engineer|analyst|accountant|consultant|recruiter|officer|senator|governor|mayor|coach|"
    "professor|teacher|nurse|detective|inspector|captain|judge|secretary|intern|trainee|lead|head|employee"
)
SPEAKING = (
    "said|says|say|told|tells|tell|asked|asks|ask|replied|replies|explained|explains|wrote|writes|answered|spoke|"
    "speaks|talked|talks|promised|phoned|emailed|called|shouted|shouts|yelled|whispered|complained|thanked|met|paid"
)
DOING = (
    "added|adds|claimed|claims|thinks|thought|believes|wants|wanted|knows|knew|forgot|worked|works|joined|moved|earns|"
    "earned|sent|left|reports|reported|likes|needs|needed"
)
LIVING = (
    "laughed|cried|smiled|shouted|lives|lived|married|resigned|retired|died|loves|loved|hates|remembers|remembered|"
    "studied|graduated|slept|sleeps|eats|ate|drank|drinks"
)
ASKING = "can|could|would|will|may|please|do|did|are|is|i|i'm|i’m|we|you|thanks|thank|what|when|where|why|how|let"
MOVING = "fly|flew|flying|flight|go|goes|going|went|move|moves|moved|moving|travel|travels|traveled|travelled|trip|" + (
    "drive|drove|come|came|coming|return|returned|relocate|relocated|relocating|relocation|way|commute|transferred"
)
PLACING = "in|at|near|via|around|across|towards?|into|outside|inside|within|on"
UNINVOLVED = "i|you|we|they|it|this|that|these|those|in|on|at|as|and|but|if|when|the|a|an|so|then"
STREETS = (
    "street|st|str|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|square|court|ct|place|pl|terrace|highway|"
    "parkway|turnpike|crossing|plaza|alley|suite|apt|apartment|box|postbox|floor|building|strasse|straße|rue|via|"
    "vicolo|calle|rua|avenida|piazza|prairie|union|point|ports?|isle|loop|ridge|trail|walk|way|unit"
)
COMPANIES = (
    "inc|ltd|llc|llp|gmbh|corp|corporation|company|co|plc|ag|sa|bv|nv|bank|university|college|school|institute|"
    "group|holding|holdings|partners|association|foundation|agency|ministry|department|team|office|hospital|hotel|"
    "church|museum|airport|station|club|party|union|council|committee|tv|radio|times|magazine|records"
)


def _left(pattern: str, weight: float) -> Cue:
    return regex.compile(rf"(?i)(?:{pattern})$"), weight


def _right(pattern: str, weight: float) -> Cue:
    return regex.compile(rf"(?i)^(?:{pattern})"), weight


LEFT: tuple[Cue, ...] = (
    _left(rf"\b(?:{TITLES})\.?[ ]+", 4),
    _left(rf"(?:^|\n)\W*(?:(?:{NAME_KINDS})[ ])?(?:{FIELDS})[ ]*[:=][ ]*", 5),
    _left(rf"\b(?:{NAME_KINDS})[ ]names?(?:[ ](?:is|was|are)|['’]s|:)[ ]+", 5),
    _left(r"(?:^|[\n.!?,]\W*)(?:hi|hello|hey|dear|good (?:morning|afternoon|evening))[ ,]+", 3),
    _left(r"\b(?:regards|sincerely|cheers|thanks|thank you|yours|wishes)[ ]*[,!]?\s+", 3),
    _left(r"\b(?:named|known as|on behalf of|signed by|spoke to|talk(?:ed)? to|speak (?:to|with)|tribute to)[ ]+", 2),
    _left(r"\b\w+(?:ed|en)[ ]by[ ]+", 1.5),
    _left(r"\b(?:starring|featuring)[ ]+", 2.5),
    _left(rf"\b(?:my|his|her|our|their|your|the)[ ](?:\w+[ ])?(?:{KIN})[ ,]+(?:to[ ]+)?", 2.5),
    _left(rf"\b(?:{ROLES})[ ]+", 1.5),
    _left(rf"\b(?:{SPEAKING})[ ]+(?:(?:to|at|with|by)[ ]+)?", 2),
    _left(rf"\b(?:{SPEAKING})[ ]\p{{Lu}}[\p{{L}} ]+[ ](?:to|at)[ ]+", 2),
    _left(r"\b(?:i am|i['’]m|this is|it['’]s|contact|add|call|email|phone|meet|invite|him and|her and)[ ]+", 1),
    _left(rf"(?<!\b(?:{SPEAKING})[ ]+)\b(?:{PLACING})[ ]+(?:the[ ]+)?", -1.5),
    _left(rf"\b(?:{MOVING})[ ]+(?:\w+[ ]+)?(?:to|from|through)[ ]+(?:the[ ]+)?", -2),
    _left(r"\b(?:originally|born|based|live|lives|arrived)[ ](?:in|from|at)[ ]+", -2),
    _left(r"\b(?:the|a|an)[ ]+", -1),
    _left(r"\d,?\s+", -2),
)
RIGHT: tuple[Cue, ...] = (
    _right(rf"[ ]+(?:\w+ly[ ]+)?(?:{SPEAKING}|{DOING})\b", 2),
    _right(rf"[ ]+(?:\w+ly[ ]+)?(?:{LIVING})\b", 3),
    _right(rf"['’]s[ ]+(?:\w+[ ]+)?(?:{KIN})\b", 3),
    _right(rf",[ ](?:the|a|an|our|my|their)[ ][\w ]{{2,40}},[ ](?:{SPEAKING})\b", 2),
    _right(r",?[ ](?:aged[ ])?\d{1,2}(?:,|[ ]years?)", 1),
    _right(r"[ ]as[ ](?:an?[ ])?(?:\w+[ ])?(?:guardian|beneficiary|delegate|reference)\b", 1.5),
    _right(r"[ ]+\d+\b", -2),
    _right(r"[ ,]+\d+[ ]?\w*\n", -1),
)
AT_LINE_START: tuple[Cue, ...] = (
    _right(r":[ ]+\S", 2),  # the speaker of a dialogue
    _right(rf",[ ](?:{ASKING})\b", 2.5),  # somebody who is spoken to
)
PRONOUN = regex.compile(r"(?i)\b(?:he|she|him|his|her|hers|himself|herself)\b")
NOT_A_PERSON = frozenset(f"{STREETS}|{COMPANIES}".replace("?", "").split("|"))
NOBODY = frozenset(UNINVOLVED.split("|"))
"""Words with a capital at the head of a sentence: no person stands there."""
LEADING = frozenset(f"{TITLES}|{ROLES}|{KIN}|hi|hello|hey|dear|thanks|regards|the|a|an|my|our|i".split("|"))
"""What stands before a name and is no part of it."""
