"""A place for results: static pages from records and archives, to lay on any web server.

- ``entries``: what is shown, and whether somebody computed it again.
- ``evidence``: entries → tables of strategies, data sets and studies.
- ``curves``: β(t) of each strategy in a world whose rate is known.
- ``drawn``: intervals and curves as SVG.
- ``pages``: evidence → pages, by the templates of ``templates``.
- ``build``: the command ``vaebench site``.

It takes from the records and from what checks an archive; nothing but the commands takes from it.
"""
