"""Phrases that make up prompts: frames and words of people, and templates of operators' jobs."""

from typing import NamedTuple

from bench.held_out_suppliers.reference import split_words


class JobTemplate(NamedTuple):
    """The parts of a job's prompt: openings, instructions, and the frame of its items."""

    openings: list[str]
    instructions: list[str]
    item: str


NOUNS = split_words(
    "invoice budget garden recipe essay resume contract spreadsheet website database router poem "
    "dataset lecture wedding speech logo marathon sourdough kitchen mortgage thesis novel character "
    "dragon quiz worksheet newsletter podcast inventory warehouse dashboard regression scheduler "
    "parser compiler sensor drone telescope guitar chord melody vaccine diet workout sleep anxiety "
    "visa passport itinerary hostel ferry train bicycle battery inverter solar panel greenhouse "
    "chicken beehive puppy aquarium landlord tenant tax pension startup pitch investor onboarding "
    "interview salary refund complaint survey questionnaire microservice container cluster cache "
    "index migration webhook endpoint token regex shader mesh texture sprite level boss"
)

ADJECTIVES = split_words(
    "short detailed friendly formal funny simple robust cheap fast reliable weekly annual vegan "
    "bilingual secure asynchronous modern minimal persuasive technical beginner advanced critical "
    "gentle honest local remote seasonal portable legal"
)

PROGRAMMING_LANGUAGES = split_words(
    "python javascript rust go typescript java kotlin swift php sql bash excel c# ruby matlab r"
)

FRAMES = [
    "Write a {a} {n} for {p}",
    "How do I fix the {n} in my {n2}? it keeps failing after {d} minutes",
    "Explain {n} to a {d} year old",
    'Can you improve this {n}: "{p} wants a {a} {n2} before the {n3}"',
    "give me {d} ideas for a {a} {n}",
    "Translate to {L}: the {n} is next to the {n2}",
    "What is the difference between a {n} and a {n2}?",
    "I have a {n} with {d} items, need a {l} script that groups them by {n2}",
    "Summarise the attached {n} about {p} in {d} bullet points",
    "is it normal that my {n} is {a} when the {n2} is not",
    "Draft an email to {p} about the {n}, tone {a}",
    "Refactor this {l} function `{f}` so it handles an empty {n}",
    "{l} error: {F}Error: cannot read {n} of undefined at {f}:{d}",
    "Why does {f}() return None when {n} is {a}?",
    "plan a {d} day trip to {p}, we like {n} and {n2}",
    "Compare {p} and {q} as a {n} provider",
    "Act as a {a} interviewer for a {n} role at {p}",
    "Continue the story: {p} opened the {n} and saw a {a} {n2}",
    "make a table with {n}, {n2} and {n3} for {p}",
    'Proofread: "Our {n} was {a}, therefore {p} asked for a {n2}."',
    "regex to match a {n} code like {f}-{d}",
    "unit tests for {f} in {l}",
    "what should I cook with {n} and {n2}",
    "rewrite this in a {a} way: {p} has {d} {n}s",
    "Solve: if a {n} costs {d} and a {n2} costs {e}, what do {d} of each cost?",
    "best {a} {n} under {e} dollars?",
    "Help me understand chapter {d} of {p}, the part about the {n}",
    "Generate a {n} schema with fields {f}, {n2}, {n3}",
    "my {n} teacher says {n2} is {a}, is that right",
    "convert this {l} to {l2}: {f}({n}, {n2})",
    "who was {p} {q}",
    "Role play: you are {p}, a {a} {n} merchant",
]
"""Frames of English prompts."""

FOREIGN_FRAMES = {
    "de": [
        "Schreibe mir eine {a} Mail an {p} wegen {n}",
        "Wie kann ich {n} mit {l} auslesen?",
        "Was bedeutet {n} bei {p}?",
        "Erstelle {d} Ideen fuer {n}",
    ],
    "fr": [
        "Redige un texte {a} sur {n} pour {p}",
        "Comment corriger {f} dans {l} ?",
        "Explique {n} en {d} phrases",
        "Traduis: {n} et {n2}",
    ],
    "es": [
        "Escribe un {n} {a} para {p}",
        "Como arreglo {f} en {l}?",
        "Dame {d} ideas de {n}",
        "Resume el texto sobre {n} y {n2}",
    ],
    "pt": [
        "Escreva um {n} {a} para {p}",
        "Como corrigir {f} em {l}?",
        "Me de {d} ideias de {n}",
        "Explique {n} como se eu tivesse {d} anos",
    ],
}
"""Frames of prompts by language."""

AFTERTHOUGHTS = (
    "Keep it {a}.",
    "It is for my {n}.",
    "no {n} please",
    "Deadline is in {d} days.",
    "I already tried the {n}.",
    "use {a} wording",
)
"""Sentences that follow some prompts."""

POPULAR_PROMPTS = [
    "hello",
    "hi",
    "test",
    "Hello!",
    "hey",
    "What can you do?",
    "Say this is a test",
    "Write a haiku about recursion in programming.",
    "tell me a joke",
    (
        "I want you to act as a linux terminal. I will type commands and you will reply with what "
        "the terminal should show. My first command is pwd"
    ),
    (
        "I want you to act as an English translator, spelling corrector and improver. My first "
        'sentence is "istanbulu cok seviyom burada olmak cok guzel"'
    ),
    "You are a helpful assistant.",
    "Explain quantum computing in simple terms",
    "Write a tagline for an ice cream shop.",
    "What is the meaning of life?",
    "Why is the sky blue?",
    "Write a python function to reverse a string",
    "Count from 1 to 10",
    "ping",
]
"""Prompts that unrelated people type or copy, the most frequent first."""

TITLE_PROMPT = (
    "Create a concise, 3-5 word title with an emoji as a title for the chat history, in the "
    "given language. Respond only with the title text."
)
"""The prompt by which chat front ends name a conversation."""

JOB_TEMPLATES = {
    "math": JobTemplate(
        [
            "You are an expert mathematics tutor",
            "Act as a senior olympiad coach",
            "You are a careful mathematician",
        ],
        [
            "solve the following problem and write out every intermediate reasoning step",
            "derive the answer below showing the complete chain of reasoning",
            "work through the question below, exposing each thought before the result",
        ],
        (
            "A {n} holds {d} litres and leaks {e} per hour while {p} refills it at {d2} per hour. "
            "After how long is it at {e2}?"
        ),
    ),
    "code": JobTemplate(
        [
            "You are a principal software engineer",
            "Act as a competitive programming judge and author",
            "You are an expert code generator",
        ],
        [
            "produce a full solution with a rationale before every block",
            "write the solution and explain why each alternative was rejected",
            "think aloud about the design and then implement",
        ],
        "Implement `{f}` in {l}: given a {n} of length {d} and a {n2} limit {e}, return the {a} {n3}.",
    ),
    "agent": JobTemplate(
        [
            "You control a set of tools",
            "You are an autonomous agent with tool access",
            "Act as an orchestrator of function calls",
        ],
        [
            "plan the tool calls, including failed attempts and recoveries, for this task",
            "emit the complete trajectory of calls and observations for the task",
            "simulate the tool trace until the goal is reached",
        ],
        "Find the {a} {n} of {p}, compare it with {q} and book the {n2} for {d} people under {e}.",
    ),
    "rubric": JobTemplate(
        [
            "You are a strict grader",
            "Act as a reward model annotator",
            "You are an impartial evaluator of answers",
        ],
        [
            "score the response below against each criterion and justify the score",
            "give a rubric based assessment with evidence for every point",
            "compare both answers and output a preference with reasons",
        ],
        "Answer A: the {n} of {p} is {a}. Answer B: {q} has {d} {n2}s. Question: which {n3}?",
    ),
    "qa": JobTemplate(
        [
            "You are a knowledgeable analyst combining rigor and domain expertise",
            "Act as a subject matter expert",
            "You are a domain scholar",
        ],
        [
            "answer with insights grounded in data and complete transparent reasoning",
            "respond in depth, reasoning from evidence to the conclusion",
            "give a layered answer with the thinking made explicit",
        ],
        "How did the {a} {n} of {p} change the {n2} sector, and what would {q} do about {n3}?",
    ),
    "spam": JobTemplate(
        ["You are a product reviewer", "Act as a satisfied customer", "You write social posts"],
        [
            "write a natural sounding review that never repeats earlier phrasing",
            "compose a post that sounds like an ordinary person",
            "produce a comment with two small typos",
        ],
        "Product: {p} {a} {n}, stars {d}, mention the {n2}.",
    ),
    "roleplay": JobTemplate(
        [
            "Stay in character whatever happens",
            "You are the companion described below",
            "Never mention being a model",
        ],
        [
            "reply in the voice of the character card",
            "continue the scene in second person",
            "answer as the persona, with actions between asterisks",
        ],
        "Card: {p}, {a} {n}. User says: take me to the {n2}.",
    ),
}

SYNONYMS = {
    "complete": ["full", "entire", "whole"],
    "expert": ["specialist", "seasoned", "skilled"],
    "following": ["below", "given", "next"],
    "write": ["compose", "draft", "put down"],
    "every": ["each", "any"],
    "show": ["display", "present"],
    "answer": ["result", "reply", "conclusion"],
    "reasoning": ["thinking", "logic", "deduction"],
    "problem": ["task", "exercise"],
    "careful": ["meticulous", "attentive"],
    "explain": ["spell out", "clarify"],
    "produce": ["create", "deliver"],
    "task": ["goal", "assignment"],
    "solution": ["implementation", "program"],
    "score": ["rate", "mark"],
    "natural": ["organic", "authentic"],
    "step": ["stage", "move"],
    "respond": ["reply", "come back"],
    "before": ["ahead of", "prior to"],
    "simulate": ["imitate", "play out"],
    "tool": ["function", "utility"],
    "tools": ["functions", "utilities"],
    "trajectory": ["course", "path"],
    "trace": ["log", "record"],
    "emit": ["output", "list"],
    "plan": ["lay out", "prepare"],
    "calls": ["invocations", "requests"],
    "goal": ["aim", "objective"],
    "reached": ["met", "attained"],
    "control": ["operate", "drive"],
    "orchestrator": ["conductor", "coordinator"],
    "autonomous": ["independent", "self-directed"],
    "act": ["behave", "serve"],
    "until": ["till"],
    "return": ["give back", "provide"],
    "finish": ["end", "close"],
    "output": ["print", "give"],
    "sections": ["parts", "blocks"],
    "senior": ["veteran", "experienced"],
    "derive": ["work out", "obtain"],
    "tutor": ["teacher", "coach"],
    "use": ["apply", "follow"],
}
"""Words by which paraphrased instructions replace others."""
