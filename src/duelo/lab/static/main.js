/* The page: its frame, its routes, its language and its theme.

   HOW A VIEW IS WRITTEN (watch.js, lesson.js, explore.js, runs.js)

   A view module exports one function:

       export function mount(element, context) { ...; return function unmount() {...} }

   `element` is an empty <main> child that belongs to the view until `unmount()` is called; unmount must end everything
   the view began (event streams, timers, observers). The shell unmounts and mounts anew when the hash or the language
   changes; state that must survive that belongs on the server or in a module-level variable. A change of theme does
   not remount: what is drawn on a canvas listens to `context.onTheme(redraw)`.

   context = {
     t(key, values)          the sentence in the language in force, its {placeholders} filled. Keys: words/en_lab.py
     has(key)                whether there is such a sentence
     lang                    "en" | "es"
     params                  the rest of the hash: "#explore/my-run" -> ["my-run"] (decoded)
     navigate(hash)          go to "#runs", "#explore/my-run", ...
     announce(text)          say it to a screen reader (a polite live region)
     toast(text, kind)       a short notice at the bottom; kind: "info" | "error"
     onTheme(callback)       called after the theme changed; returns a function that stops listening
     onLeave(callback)       called when the view is left, before its unmount(): for streams, observers, timers
     format.number(x, n)     localized, n significant digits       format.percent(x)  0.497 -> "50 %"
     format.count(n)         12345 -> "12,345" | "12 345"          format.duration(s) 75 -> "1 min 15 s"
     api.get(path, query)    JSON of GET /api/<path>; throws ApiError{status, message} with the server's sentence
     api.post(path, body)    the same with POST, api.patch with PATCH
     api.binary(path, {query, method, body, signal})  -> {meta, arrays: {name: {data: TypedArray, shape, dtype}}} | null (204)
     api.url(path, query)    the URL of a download or an <img>, with the language in it
     api.events(path, {eventName: data => ...}, {onState})    server-sent events with parsed JSON; returns close().
                             onState("open" | "lost"); it reconnects by itself
   }

   Helpers to import:
     dom.js     h(tag, props, ...children), svg(tag, ...), clear(element), icon(name)
     charts.js  chart(element, {series, ...}, context) -> {set(columns), destroy()}    (uPlot in our colours)
     tiles.js   tileGrid(context, options) -> {element, show(images, options), ...}    (grids of images on one canvas)
     theme.js   colour(name) -> the computed value of the CSS variable --name, for canvases

   Shared CSS classes (style.css): layout .view .stack .row .cluster .spread .columns .grow; surfaces .card .card-head .well;
   words .lead .hint .kicker .figure .mono; controls .button (.primary .quiet .danger .g .d .icon .small), .field (a label over
   its control), .segmented (radio group), .chip (aria-pressed toggle), .switch, .slider; things .table .badge (.good .bad .busy)
   .notice (.bad) .empty .progress .tiles .thumb .meter, dialogs: <dialog class="dialog">. .visually-hidden for screen readers. Colours are
   variables: --g (generator, orange), --d (discriminator, blue), --real (ink), --ink, --ink-2, --ink-3, --line, --paper,
   --card, --good, --bad. No inline style attributes and no inline scripts: the content security policy forbids both
   (element.style.x = ... from a script is fine). Children are nodes or strings; never build HTML from strings. */
