"""Templates as people write them in template nodes, and what Python's Jinja2 makes of them.

`python3 table.py` (with jinja2 installed) writes table.json, which the tests compare with our renderer, byte by byte.
"""

import json
import pathlib

import jinja2

ORDERS = [
    {"id": 1001, "customer": "Ada Lovelace", "total": 129.9, "paid": True, "tags": ["vip", "eu"], "date": "2026-03-05T10:20:30Z"},
    {"id": 1002, "customer": "Bob O'Hara", "total": 15, "paid": False, "tags": [], "date": "2026-03-06T08:00:00Z"},
    {"id": 1003, "customer": "陈小明", "total": 88.5, "paid": True, "tags": ["cn"], "date": "2026-03-06T23:59:59Z"},
    {"id": 1004, "customer": "Dora", "total": 0, "paid": False, "tags": ["eu", "new"], "date": "2026-04-01T00:00:00Z"},
]
CHUNKS = [
    {"content": "Paris is the capital of France.", "title": "geo.md", "metadata": {"score": 0.9123, "source": "knowledge", "page": 3}},
    {"content": "法国的首都是巴黎。", "title": "地理.docx", "metadata": {"score": 0.71, "source": "knowledge", "page": None}},
    {"content": "Line one\nLine two", "title": "notes.txt", "metadata": {"score": 0.5, "source": "web"}},
]
USER = {"name": "李雷", "age": 31, "email": "lilei@example.com", "address": {"city": "北京", "zip": "100000"}, "roles": ["admin", "editor"]}
HISTORY = [{"role": "user", "content": "你好"}, {"role": "assistant", "content": "您好！有什么可以帮您？"}, {"role": "user", "content": "退款怎么办？"}]
TREE = [{"name": "root", "children": [{"name": "a", "children": [{"name": "a1", "children": []}]}, {"name": "b", "children": []}]}]
TEXT = "The quick brown fox jumps over the lazy dog. It barked.\nSecond line here."

TABLE = [
    # Plain texts around variables
    ("greeting", "Hello {{ name }}, welcome!", {"name": "Ada"}),
    ("greeting in Chinese", "你好，{{ user.name }}！您来自{{ user.address.city }}，邮编 {{ user['address']['zip'] }}。", {"user": USER}),
    ("default for missing", "{{ nickname | default('friend') }} / {{ user.phone | default('未填写', true) }} / {{ empty | default('none', boolean=True) }}", {"user": USER, "empty": ""}),
    ("conditional expression", "Status: {{ 'active' if user.age >= 18 else 'minor' }}{{ ' (admin)' if 'admin' in user.roles }}", {"user": USER}),
    ("numbers", "{{ total }} {{ total | round(1) }} {{ total | int }} {{ '%.2f' | format(total) }} {{ '{:,.2f}'.format(big) }} {{ '{:>8}|{:<6}|{:^7}|{:05d}'.format('a', 'b', 'c', 42) }}", {"total": 129.987, "big": 1234567.891}),
    ("percent", "{{ (done / all * 100) | round(2) }}% {{ '%d%%' % (done / all * 100) }} {{ \"%s: %5.1f\" % ('x', 3.14159) }}", {"done": 7, "all": 9}),
    ("arithmetic", "{{ 7 // 2 }} {{ 7 % 3 }} {{ 2 ** 8 }} {{ 1 / 4 }} {{ -7 // 2 }} {{ 10 / 5 }} {{ 0.1 + 0.2 }}", {}),
    ("none and booleans", "{{ a }} {{ b }} {{ c }} {{ a is none }} {{ b and not c }} {{ [a, b, c] }}", {"a": None, "b": True, "c": False}),
    # Loops
    ("order list", "{% for order in orders %}{{ loop.index }}. #{{ order.id }} {{ order.customer }}: {{ '%.2f' % order.total }}{% if not loop.last %}\n{% endif %}{% endfor %}", {"orders": ORDERS}),
    ("loop variables", "{% for x in items %}{{ loop.index0 }}/{{ loop.revindex }}/{{ loop.revindex0 }}/{{ loop.first }}/{{ loop.last }}/{{ loop.length }}/{{ loop.cycle('odd', 'even') }};{% endfor %}", {"items": ["a", "b", "c"]}),
    ("neighbours", "{% for x in items %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% if loop.changed(x) %}new{% endif %};{% endfor %}", {"items": [1, 1, 2, 3, 3]}),
    ("empty list", "{% for x in items %}{{ x }}{% else %}没有数据{% endfor %}", {"items": []}),
    ("filtered loop", "{% for o in orders if o.paid and o.total > 100 %}{{ o.id }} {{ loop.length }}{% else %}nobody{% endfor %}", {"orders": ORDERS}),
    ("dictionary", "{% for key, value in user.items() %}{{ key }}: {{ value }}\n{% endfor %}", {"user": USER}),
    ("sorted dictionary", "{% for key, value in scores | dictsort(by='value', reverse=true) %}{{ key }}={{ value }} {% endfor %}{% for k, v in scores|dictsort %}{{ k }}{{ v }} {% endfor %}", {"scores": {"b": 2, "a": 3, "c": 1}}),
    ("nested loops", "{% for row in rows %}{% set outer = loop %}{% for cell in row %}{{ outer.index }}.{{ loop.index }}={{ cell }} {% endfor %}{% endfor %}", {"rows": [[1, 2], [3]]}),
    ("range", "{% for i in range(1, 6) %}{{ i * i }}{{ ',' if not loop.last }}{% endfor %} {{ range(3) | list }} {{ range(10, 0, -3) | list }}", {}),
    ("enumerate by zip of index", "{% for i in range(names | length) %}{{ names[i] }}={{ ages[i] }};{% endfor %}", {"names": ["a", "b"], "ages": [1, 2]}),
    ("recursive tree", "{% for node in tree recursive %}{{ '  ' * loop.depth0 }}- {{ node.name }}\n{{ loop(node.children) }}{% endfor %}", {"tree": TREE}),
    ("slices and indexes", "{{ items[0] }} {{ items[-1] }} {{ items[1:3] }} {{ items[:2] | join('|') }} {{ items[::-1] | join }} {{ name[:2] }}…", {"items": [1, 2, 3, 4], "name": "人工智能"}),
    ("batches", "{% for row in items | batch(3, '-') %}{{ row | join(' ') }}\n{% endfor %}{% for part in items | slice(2) %}{{ part }} {% endfor %}", {"items": [1, 2, 3, 4, 5, 6, 7]}),
    # Filters over lists
    ("join names", "{{ orders | map(attribute='customer') | join('、') }}", {"orders": ORDERS}),
    ("sum and average", "{{ orders | sum(attribute='total') }} {{ (orders | sum(attribute='total') / orders | length) | round(3) }} {{ orders | map(attribute='total') | max }} {{ orders | map(attribute='id') | min }}", {"orders": ORDERS}),
    ("selectattr", "{{ orders | selectattr('paid') | map(attribute='id') | list }} {{ orders | rejectattr('paid') | list | length }} {{ orders | selectattr('total', 'gt', 50) | map(attribute='id') | join(',') }} {{ orders | selectattr('customer', 'equalto', 'Dora') | first | tojson }}", {"orders": ORDERS}),
    ("select", "{{ items | select('odd') | list }} {{ items | reject('divisibleby', 3) | list }} {{ mixed | select('string') | list }} {{ mixed | select | list }} {{ items | select('>', 3) | list }}", {"items": [1, 2, 3, 4, 5, 6], "mixed": ["a", 1, None, "", 0]}),
    ("groupby", "{% for city, people in people | groupby('city') %}{{ city }}: {{ people | map(attribute='name') | join(', ') }}\n{% endfor %}", {"people": [{"name": "a", "city": "X"}, {"name": "b", "city": "W"}, {"name": "c", "city": "X"}]}),
    ("groupby with default", "{% for g in people | groupby('city', default='?') %}{{ g.grouper }}({{ g.list | length }}) {% endfor %}", {"people": [{"name": "a", "city": "X"}, {"name": "b"}]}),
    ("sort", "{{ items | sort }} {{ items | sort(reverse=true) }} {{ orders | sort(attribute='total') | map(attribute='id') | list }} {{ words | sort }} {{ words | sort(case_sensitive=true) }} {{ orders | sort(attribute='paid,total') | map(attribute='id') | list }}", {"items": [3, 1, 2], "orders": ORDERS, "words": ["b", "A", "c", "B"]}),
    ("unique and tags", "{{ orders | map(attribute='tags') | sum(start=[]) | unique | sort | join(' ') }}", {"orders": ORDERS}),
    ("first, last, random choice of one", "{{ items | first }} {{ items | last }} {{ [7] | random }} {{ [] | first }}|", {"items": ["x", "y"]}),
    ("map with filters", "{{ words | map('upper') | list }} {{ words | map('replace', 'a', 'o') | join }} {{ orders | map(attribute='address.city', default='n/a') | list }}", {"words": ["a", "ba"], "orders": ORDERS}),
    ("nested attributes", "{{ chunks | map(attribute='metadata.score') | list }} {{ chunks | sort(attribute='metadata.score') | map(attribute='title') | list }} {{ chunks | selectattr('metadata.source', 'eq', 'web') | map(attribute='title') | list }}", {"chunks": CHUNKS}),
    ("list methods", "{{ items.index('b') }} {{ items.count('a') }} {{ items + ['z'] }} {{ items * 2 }} {{ 'a' in items }}", {"items": ["a", "b", "a"]}),
    # State
    ("namespace counter", "{% set ns = namespace(total=0, names=[]) %}{% for o in orders %}{% if o.paid %}{% set ns.total = ns.total + o.total %}{% set ns.names = ns.names + [o.customer] %}{% endif %}{% endfor %}合计：{{ ns.total }}（{{ ns.names | join('，') }}）", {"orders": ORDERS}),
    ("append in a loop", "{% set found = [] %}{% for o in orders if o.paid %}{% set _ = found.append(o.id) %}{% endfor %}{{ found }} {{ found | length }}", {"orders": ORDERS}),
    ("append as an expression", "{% set out = [] %}{% for x in [1, 2, 3] %}{{ out.append(x * 2) or '' }}{% endfor %}{{ out | join('-') }}", {}),
    ("update a dictionary", "{% set d = {'a': 1} %}{% set _ = d.update({'b': 2}) %}{{ d }} {{ d | length }}", {}),
    ("set block", "{% set body %}Dear {{ name }},{% endset %}{{ body | upper }} {{ body | length }}", {"name": "Ada"}),
    ("set with filter block", "{% set x | upper %}abc {{ name }}{% endset %}{{ x }}", {"name": "Ada"}),
    ("with", "{% with total = 5, name = 'x' %}{{ total }}{{ name }}{% endwith %}{{ total }}", {"total": 1}),
    ("scope of a loop", "{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}", {}),
    # Macros
    ("macro", "{% macro row(label, value='-', unit='') %}| {{ label }} | {{ value }}{{ unit }} |\n{% endmacro %}{{ row('价格', 12.5, '元') }}{{ row('备注') }}{{ row(value=3, label='x') }}", {}),
    ("macro with caller", "{% macro box(title) %}<{{ title }}>{{ caller() }}</{{ title }}>{% endmacro %}{% call box('b') %}inner {{ 1 + 1 }}{% endcall %}", {}),
    ("caller with arguments", "{% macro each(items) %}{% for i in items %}{{ caller(i, loop.index) }}{% endfor %}{% endmacro %}{% call(item, n) each(['a', 'b']) %}{{ n }}:{{ item }} {% endcall %}", {}),
    ("varargs", "{% macro m(a) %}{{ a }} {{ varargs }} {{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}", {}),
    ("filter block", "{% filter upper %}hello {{ name }}{% endfilter %}", {"name": "ada"}),
    # Text
    ("text filters", "{{ t | upper }}|{{ t | lower }}|{{ t | title }}|{{ t | capitalize }}|{{ '  x ' | trim }}|{{ t | replace('o', '0') }}|{{ t | replace('o', '0', 1) }}|{{ t | length }}|{{ t | reverse }}|{{ t | wordcount }}", {"t": "hello world-wide o'neil"}),
    ("truncate and wrap", "{{ t | truncate(20) }}\n{{ t | truncate(20, true, '…') }}\n{{ t | wordwrap(20) }}\n{{ t | indent(2) }}", {"t": TEXT}),
    ("text methods", "{{ s.strip() }}|{{ s.split(',') }}|{{ s.replace(' ', '') }}|{{ s.upper().lower().title() }}|{{ s.startswith(' a') }}|{{ s.find('b') }}|{{ s.strip().split(', ')[1] }}|{{ ','.join(['x', 'y']) }}|{{ 'a-b-c'.rsplit('-', 1) }}", {"s": " a, b, c "}),
    ("more text methods", "{{ '7'.zfill(3) }}|{{ 'x'.ljust(4) }}|{{ 'x'.rjust(4, '.') }}|{{ 'x'.center(5, '*') }}|{{ 'abc'.isalpha() }}|{{ '12'.isdigit() }}|{{ 'a=b=c'.partition('=') }}|{{ 'Ab'.swapcase() }}|{{ 'a\nb'.splitlines() }}|{{ 'banana'.count('an') }}|{{ 'abc'.endswith('c') }}|{{ 'xxabcxx'.strip('x') }}|{{ 'abc'.removeprefix('a') }}", {}),
    ("lines of a text", "{% for line in text.split('\\n') %}> {{ line }}\n{% endfor %}{{ text.splitlines() | length }}", {"text": TEXT}),
    ("dates are texts", "{% for o in orders %}{{ o.date[:10] }} {{ o.date.split('T')[1][:5] }} {{ o.date[:10].split('-') | reverse | join('.') }}; {% endfor %}", {"orders": ORDERS}),
    ("quotes and escapes", "{{ s }} | {{ s | e }} | {{ s | tojson }} | {{ s | urlencode }} | {{ {'a b': 'é&'} | urlencode }}", {"s": "<a href=\"x\">Tom & 'Jerry' 中</a>"}),
    ("concatenation", "{{ 'a' ~ 1 ~ 2.0 ~ none ~ true ~ [1, 'x'] ~ {'k': 'v'} }} {{ 'ab' + 'cd' }} {{ '-' * 10 }}", {}),
    ("strings of values", "{{ [1, 2.0, 'a', none, true, {'k': [\"it's\"]}] }} {{ 1e20 }} {{ 1.5e-7 }} {{ 3.0 }} {{ 100000000000000000000 }}", {}),
    ("striptags and links", "{{ '<p>Hello <b>World</b></p>' | striptags }} {{ 'a  b' | striptags }}", {}),
    ("format with names", "{{ '%(a)s-%(b)03d' | format(a='x', b=7) }} {{ '{a}-{0}'.format('z', a=1) }} {{ '{0:.1f}%'.format(12.345) }} {{ '{!r}'.format('q') }}", {}),
    ("string tests", "{{ 'a' is string }} {{ 1 is number }} {{ [] is iterable }} {{ {} is mapping }} {{ x is defined }} {{ 4 is even }} {{ 'A' is upper }} {{ 2 in [1, 2] }} {{ 'b' is in 'abc' }} {{ 1.0 is float }} {{ true is boolean }} {{ none is none }} {{ 5 is divisibleby 5 }} {{ [1] is sequence }} {{ 3 is integer }}", {}),
    # JSON
    ("json body", '{"name": {{ user.name | tojson }}, "roles": {{ user.roles | tojson }}, "age": {{ user.age }}, "ok": {{ true | tojson }}, "none": {{ none | tojson }}}', {"user": USER}),
    ("json with indent", "{{ user | tojson(indent=2) }}", {"user": USER}),
    ("json in a loop", "[{% for o in orders %}{\"id\": {{ o.id }}, \"tags\": {{ o.tags | tojson }}}{{ ', ' if not loop.last else '' }}{% endfor %}]", {"orders": ORDERS}),
    ("printed containers", "{{ orders[0] }} {{ user.roles }} {{ {} }} {{ [] }} {{ '' }}", {"orders": ORDERS, "user": USER}),
    ("dictionary functions", "{{ user.get('name') }} {{ user.get('x', 'dflt') }} {{ user.keys() | list }} {{ user.values() | list | length }} {{ dict(a=1, b='x') }} {{ 'name' in user }} {{ user | list | first }} {{ user | length }} {{ user | items | list | first }}", {"user": USER}),
    # Whole documents
    ("retrieval context", "{% for c in chunks %}[{{ loop.index }}] {{ c.title }} (score {{ '%.2f' | format(c.metadata.score) }}{% if c.metadata.page %}, p. {{ c.metadata.page }}{% endif %})\n{{ c.content | trim }}\n{% if not loop.last %}---\n{% endif %}{% endfor %}", {"chunks": CHUNKS}),
    ("chat history", "{% for m in history[-2:] %}{{ '用户' if m.role == 'user' else '助手' }}：{{ m.content }}\n{% endfor %}", {"history": HISTORY}),
    ("markdown table", "| 编号 | 客户 | 金额 |\n|---|---|---:|\n{% for o in orders -%}\n| {{ o.id }} | {{ o.customer }} | {{ '%.2f' % o.total }} |\n{% endfor %}", {"orders": ORDERS}),
    ("html mail", "<ul>\n{%- for o in orders if o.paid %}\n  <li>{{ o.customer | e }} &mdash; {{ o.total }}</li>\n{%- endfor %}\n</ul>\n", {"orders": ORDERS}),
    ("whitespace control", "a  {%- if true %}  b  {%- endif -%}  c\n{#- note -#}\n d {{- ' e ' -}} f\n  {%+ if true %}g{% endif %}\n", {}),
    ("trailing newlines", "line\n\n\n", {}),
    ("if elif else", "{% if score >= 90 %}优{% elif score >= 75 %}良{% elif score >= 60 %}及格{% else %}不及格{% endif %}", {"score": 76}),
    ("several conditions", "{% if a and (b or not c) and x is defined and x is not none and x | length > 2 %}yes{% else %}no{% endif %}", {"a": 1, "b": 0, "c": 0, "x": "abc"}),
    ("chained comparison", "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 'a' < 'b' }} {{ 1 == 1.0 }} {{ '1' == 1 }}", {}),
    ("raw for another engine", "{% raw %}Dear {{ customer }}, {% if x %}{% endraw %} {{ name }}", {"name": "Ada"}),
    ("comments", "a{# not shown {{ x }} #}b{#\nmany\nlines #}c", {}),
    ("line statements are text", "# for item in items\n## comment\n{{ 1 }}", {}),
    ("join of numbers", "{{ [1, 2, 3] | join(', ') }} {{ [1, [2, 3]] | string }} {{ ['a', none, 1.5] | join('/') }} {{ users | join(', ', attribute='name') }}", {"users": [{"name": "a"}, {"name": "b"}]}),
    ("rounding", "{{ 2.5 | round }} {{ 3.5 | round }} {{ 2.675 | round(2) }} {{ 2.1 | round(0, 'ceil') }} {{ 2.9 | round(method='floor') }} {{ 1234.5 | round(-2) }} {{ 42 | round }} {{ -2.5 | round }}", {}),
    ("size and xml", "{{ 1536 | filesizeformat }} {{ 1000000 | filesizeformat }} {{ 13 | filesizeformat(true) }} <x{{ {'a': 1, 'b': none, 'c': 'q\"'} | xmlattr }}>", {}),
    ("missing attributes", "[{{ user.nothing }}] [{{ nothing }}] [{{ user['x'] }}] {% if user.nothing %}a{% else %}b{% endif %} {% for x in nothing %}x{% endfor %} {{ nothing is defined }} [{{ items[99] }}]", {"user": USER, "items": []}),
    ("emoji and long text", "{{ '😀' * 3 }} {{ t | length }} {{ t | truncate(5, true) }} {{ t[1:3] }} {{ t.upper() }}", {"t": "今天天气😀真好呀朋友们"}),
    ("loop controls are an extension", "{% for x in [1, 2, 3] %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% endfor %}", {}),
    ("cycler and joiner", "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }} {% set sep = joiner(', ') %}{% for x in [1, 2, 3] %}{{ sep() }}{{ x }}{% endfor %}", {}),
    ("unpacking", "{% for a, (b, c) in [[1, [2, 3]], [4, [5, 6]]] %}{{ a }}{{ b }}{{ c }} {% endfor %}{% set x, y = 'uv' %}{{ x }}{{ y }}", {}),
    ("tuples", "{{ (1, 2) }} {{ (1,) }} {{ user.items() | list | length }} {{ (1, 2)[0] }} {{ ('a', 'b') | join }}", {"user": USER}),
    ("division by zero", "{{ 1 / count }}", {"count": 0}),
    ("unknown filter", "{{ name | slugify }}", {"name": "A b"}),
    ("attribute of nothing", "{{ nothing.deep.deeper }}", {}),
    ("sum of texts", "{{ ['a', 'b'] | sum }}", {}),
    ("comparing unlike things", "{{ 'a' < 1 }}", {}),
    ("adding unlike things", "{{ 'a' + 1 }}", {}),
]


def render(template, variables):
    try:
        return jinja2.Template(template).render(**variables)
    except Exception as error:
        return {"error": type(error).__name__}


def main():
    rows = [
        {"name": name, "template": template, "variables": variables, "expected": render(template, variables)}
        for name, template, variables in TABLE
    ]
    about = {"made by": f"table.py with jinja2 {jinja2.__version__}", "rows": rows}
    out = pathlib.Path(__file__).with_name("table.json")
    out.write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


main()
