"""`make package`: what Chalice packages, finished: a pruned zip with bytecode and a template that deploys.

    package.sh   finds Python 3.13 and its virtual environment
    extra.yaml   what the template has beside Chalice's part: tables, queue, alarms, outputs
    build.py     the steps, in order
    template.py  finishes and checks the template
    gateway.py   what API Gateway answers by itself
    archive.py   prunes, compiles, checks and writes the zip
    imports.py   imports what is in the zip, as Lambda will
    reference.py writes the page of `GET /docs` before all that, from reference.html and reference.js

(Not named `packaging`, which is a library that pytest, pip and others import.)
"""
