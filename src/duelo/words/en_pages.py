"""English: what stands on the pages, the report and the comparison."""

PAGES = {
    # the report
    "report.title.digits": "A duel over digits",
    "report.title.grid": "A duel over a grid of points",
    "report.title.ring": "A duel over a ring of points",
    "report.title.stacked_digits": "A duel over stacked digits",
    "report.title.images": "A duel over the images in {data}",
    "report.lead": "Two networks competed: the generator to imitate, the discriminator to tell the imitations apart.",
    "report.final": "What the generator made of 100 random latents after {kimg} kimg. None was picked by hand.",
    "report.final_points": "5,000 points that the generator made after {kimg} kimg (orange), over 5,000 real ones (dark).",
    "report.numbers": "The run in figures",
    "report.state_done": "Finished: {kimg} of {of} thousand images (kimg).",
    "report.state_open": "Not finished: {kimg} of {of} thousand images (kimg) so far.",
    "report.time": "training time",
    "report.images": "real images seen",
    "report.speed": "images per second",
    "report.real_right": "D right on real",
    "report.fake_right": "D right on generated",
    "report.no_verdict": "D is the discriminator of this very duel, judging images it was trained on (mean over the "
    "last tenth of the run). It is a sign of balance, not a measure of quality: look at the images.",
    "report.data": "The real images",
    "report.data_hint": "The generator never saw them: it learnt only from what the discriminator said of its own.",
    "report.real_caption": "Some of the training images, to compare with those above.",
    "report.size": "width x height",
    "report.classes": "classes",
    "report.part_train": "to train on",
    "report.part_referee": "for the referee",
    "report.part_heldout": "held out",
    "report.part_test": "test",
    "report.evolution": "How it learnt",
    "report.evolution_hint": "Each row is a moment, each column the same latent: the same idea, drawn better and better.",
    "report.evolution_points": "The same 5,000 latents at several moments.",
    "report.duel": "The duel",
    "report.duel_hint": "Neither side may become too expert, or the other has nothing left to learn from. At the "
    "equilibrium the discriminator is right half of the time.",
    "report.accuracy": "How often D is right",
    "report.accuracy_caption": "Share of real and of generated images that the discriminator judged correctly while "
    "it was trained on them. At the dashed line, 50 %, it can only guess.",
    "report.losses": "Losses",
    "report.loss_caption": "The discriminator's loss D and the generator's loss G; the dashed lines are their values "
    "at the equilibrium ({d} and {g}). A loss that falls does not mean images that get better: the rival moves too.",
    "report.logits": "What D says",
    "report.findings": "What the referee saw",
    "report.findings_hint": "At regular times the referee looks at how the duel stands, on images that nobody trains "
    "on and on fresh fakes. What he finds wrong at several looks in a row is named here, with what to try.",
    "report.nothing_found": "Nothing was wrong.",
    "report.spell": "from {first} to {last} kimg",
    "report.judgement": "Distance to the referee's images",
    "report.generated": "generated",
    "report.floor": "real training images",
    "report.judgement_caption": "Sliced Wasserstein distance between {n} generated images and as many of the referee "
    "part, on which nobody trains; real training images get {floor}. The best point, {best}, was at {kimg} kimg; the "
    "run keeps it.",
    "report.judgement_points": "How far it is from each of {n} generated points to the nearest of as many of the referee "
    "part, on which nobody trains, plus how far it is from each of those to the nearest generated one, on average; real "
    "training points get {floor}. The best moment, {best}, was at {kimg} kimg; the run keeps it.",
    "report.vae_loss": "Negative evidence, nats an image",
    "report.loss_vae": "whole",
    "report.vae_caption": "A VAE has no opponent: it minimizes this upper bound of the surprise at the training images.",
    "report.vae_parts": "Its two parts",
    "report.reconstruction": "reconstruction",
    "report.divergence": "divergence",
    "report.vae_parts_caption": "How badly the images are made again from their latents, and how much the latents say "
    "about them.",
    "report.logit_caption": "Mean answer (logit) of the discriminator: the higher, the surer it is that an image is "
    "real. The gap between the lines is what it can still tell apart.",
    "report.on_real": "real",
    "report.on_fake": "generated",
    "report.loss_d": "D",
    "report.loss_g": "G",
    "report.draw": "equilibrium",
    "report.kimg": "thousands of real images seen (kimg)",
    "report.recipe": "Recipe",
    "report.machine": "Machine",
    "report.footer": "Written by duelo {version}. This page is a single file and needs no network.",
    # runs side by side
    "compare.few": "comparing takes two different runs or more; `duelo runs` lists what there is.",
    "compare.no_stats": "the run in {path} has no statistics yet, so there is nothing to compare; train it longer, or "
    "leave it out.",
    "compare.out": "--out {path} is not valid: name a .html file.",
    "compare.page": "page: {path}",
    "compare.columns": "run|data|kimg|time|images|best judgement|floor|last judgement|D real|D generated|FD "
    "ratio|opponent|copies|differs in",
    "compare.equal_images": "judgement at equal images ({kimg} kimg)",
    "compare.equal_time": "judgement at equal training time ({time})",
    "compare.other_data": "these runs are on different data ({data}): only judgements on the same data can be "
    "compared with each other.",
    "compare.other_machines": "these runs were trained on different machines or with different numbers of threads: at "
    "equal training time, that counts, too.",
    "compare.title": "Runs side by side",
    "compare.lead": "{n} runs, compared after equally many images and after equally long training.",
    "compare.figures": "The runs in figures",
    "compare.data": "data",
    "compare.kimg": "thousands of images (kimg)",
    "compare.best": "best judgement",
    "compare.floor": "floor: real against real",
    "compare.last": "last judgement",
    "compare.value": "Judgement",
    "compare.differs": "What differs in the recipes",
    "compare.same": "The recipes are the same",
    "compare.judgement_hint": "The distance ({measure}) between generated images and real ones of the referee part, "
    "on which nobody trained: the lower, the better. The floor is the distance between real images and other real "
    "ones. Few images are looked at, and another seed gives another curve: before saying that one recipe is better "
    "than another, compare several runs of each. The scale is logarithmic.",
    "compare.no_judgement": "None of these runs was judged: they are of an older version.",
    "compare.seconds": "training time in seconds",
    "compare.minutes": "training time in minutes",
    "compare.smooth": "Each curve is summed up in at most {n} averages.",
    "compare.without": "Without a discriminator, so without these curves: {names}.",
    "compare.pictures": "What they make",
    "compare.pictures_hint": "Of each run, the newest picture saved at or before that point. Nothing was picked by hand.",
    "compare.top_rows": "Of grids of images, only the first {n} rows are shown.",
    "compare.pictures_images": "At equal images ({kimg} kimg)",
    "compare.pictures_time": "At equal training time ({time})",
    "compare.pictures_end": "The last ones",
    "compare.no_picture": "no picture",
    "machine.device": "device",
    "machine.cpu": "processor",
    "machine.cores": "cores",
    "machine.threads": "threads",
    "machine.system": "system",
    "machine.python": "Python",
    "machine.torch": "torch",
    "verdict.opponent": "A fresh opponent is right {value:.1%} of the time ({low:.1%} to {high:.1%}; 50 % would be a "
    "draw; real against real: {floor:.1%}).",
    "verdict.quality": "The {name} of the generated members from the held-out ones is {value:.3g} times that of real "
    "training members ({low:.3g} to {high:.3g}; 1 is what new real ones would get).",
    "verdict.cover": "They cover {coverage:.0%} of the held-out ones (real ones: {coverage_floor:.0%}), with a "
    "density of {density:.2f} (real ones: {density_floor:.2f}).",
    "verdict.no_copies": "None of {total} samples was recognized as a copy of a training member (at most {high:.2%} of this "
    "generator's would be).",
    "verdict.among": "Copies were looked for among {n_train} of the {all_train} training members, drawn at random.",
    "verdict.copies": "{copies} of {total} samples are copies of training members ({low:.2%} to {high:.2%}; of real "
    "held-out members {floor:.2%} would be called so).",
    "verdict.power": "Of copies planted among the samples on purpose, one in a thousand, the test found {shares}.",
    "verdict.planted.exact": "of exact ones",
    "verdict.planted.shifted": "of ones shifted by a pixel",
    "verdict.planted.noisy": "of noisy ones",
    "verdict.planted.turned": "of ones turned by 5 degrees",
    "verdict.and": "{rest} and {last}",
    "verdict.thousand": "{modes} of {k} modes in {n} samples (as many real ones: {modes_floor}); KL {kl:.4f} (real ones: "
    "{kl_floor:.4f}).",
    "verdict.mixture": "{modes} of {k} modes; {good:.1%} of the points within 3 sigma (true draws: {good_ideal:.1%}); "
    "KL over the modes {kl:.1e} (99 of 100 true draws stay below {kl_limit:.1e}).",
    "help.no_copies": "leave out a sixth of what is drawn: what lies closest to a training image, for its distance to those "
    "of the referee part",
    "sample.no_copies": "of {drawn} samples drawn, the {n} least like copies are kept; {copies} of these still "
    "count as copies.",
    "sample.few_referee": "--no-copies holds samples against the referee part, which has {n} images here, and needs "
    "{least}; leave it out.",
    "page.verdict": "The verdict",
    "page.verdict_hint": "Measured on samples of the best point, against held-out members that took no part in "
    "anything before. Beside each figure stands its floor: the same measure of real members, as if they were generated.",
    "page.brief": "This is the brief verdict of a run's end; `duelo measure` makes a surer one.",
    "page.not_measured": "This run was not measured yet: `duelo measure {path}` does it.",
    "page.measured": "{n} samples at {kimg:g} kimg, {heldout} held-out members, seed {seed}; features: {features} "
    "({hash}…). Comparable with verdicts of the same fingerprint: {fingerprint}.",
    "page.value": "measured",
    "page.interval": "95 % interval",
    "page.floor": "real against real",
    "page.quality": "Quality",
    "page.quality_hint": "Is what it makes like the real ones (precision, density), and does it make all kinds of them "
    "(recall, coverage)?",
    "page.ratio": "ratio of {name}",
    "page.precision": "precision",
    "page.recall": "recall",
    "page.density": "density",
    "page.coverage": "coverage",
    "page.classes": "distance of the classes' shares",
    "page.test": "{name} to the canonical test part (other writers)",
    "page.equilibrium": "Equilibrium",
    "page.equilibrium_hint": "New discriminators, trained from nothing on half of the samples, are tested on the other "
    "half. If the generator had captured the real distribution, they could only guess: right half the time.",
    "page.small": "small opponent ({n} weights)",
    "page.medium": "medium opponent ({n} weights)",
    "page.large": "large opponent ({n} weights)",
    "page.small_short": "small",
    "page.medium_short": "medium",
    "page.large_short": "large",
    "page.gap": "duality gap, nats (k = {k} steps a side)",
    "page.gap_perturbed": "duality gap, nats, each side shaken first (k = {k})",
    "page.opponent_curve": "How soon opponents see through it",
    "page.opponent_kimg": "real members that the opponent saw, thousands",
    "page.logits": "What the strongest opponent says",
    "page.logit": "logit (above 0: “real”)",
    "page.real": "held-out",
    "page.generated": "generated",
    "page.curve_caption": "Share of right answers on samples that the opponent never saw, while it learns. At 50 % it "
    "can only guess.",
    "page.logits_caption": "The more the two hills overlap, the better the imitation.",
    "page.own": "What the run's own discriminator says",
    "page.train": "training",
    "page.plain_logit": "logit",
    "page.own_caption": "Of {n} members of each kind it is right on {train} of the training ones, {real} of the held-out "
    "ones and {generated} of the generated ones (each within {error} points; above {border} it "
    "says “real”). Where the training hill lies right of the held-out one, it knows its training members by heart, and "
    "that rewards copying.",
    "page.worst": "The samples that it found most obviously generated.",
    "page.best": "The samples that looked most real to it.",
    "page.copying": "Copying",
    "page.copying_hint": "A copy lies much closer to a training member than to any held-out one, more so than real new "
    "members ever do.",
    "page.share": "copies",
    "page.c_t": "C_T (far below 0: copying)",
    "page.authenticity": "authentic samples",
    "page.fld_gap": "FLD gap (far below 0: learnt by heart)",
    "page.memorisation": "MiFID's distance to training members (small: copying)",
    "page.planted.exact": "found of planted copies: exact",
    "page.planted.shifted": "found of planted copies: shifted by a pixel",
    "page.planted.noisy": "found of planted copies: noise of 5 % of the range",
    "page.planted.turned": "found of planted copies: turned by 5 degrees",
    "page.nearest": "Most like a copy first, two in each row: a sample, the training member nearest to it, and the "
    "held-out member nearest to it. An honest sample is as far from both.",
    "page.modes_title": "Modes",
    "page.modes": "modes found",
    "page.kl": "KL over the modes, nats",
    "page.excess": "excess over the real ones, nats",
    "page.sure": "share of which the classifier is 99 % sure, and their modes",
    "page.class_shares": "How often each class comes",
    "page.class": "class",
    "page.class_caption": "Shares among the generated and the held-out members. A class that is missing shows as a gap.",
    "page.good": "within 3 sigma of a mode",
    "page.narrowest": "narrowest variance of a mode over the true one",
    "page.widest": "widest",
    "page.interpolation": "On the way between two latents, in each row: if the generator only knew single images, "
    "there would be jumps or blends.",
    "page.discriminators": "Left: what an optimal discriminator would say, from the known density and this generator's "
    "points. Right: what the duel's own one says. Blue: real; orange: generated.",
    "compare.ratio": "ratio of Fréchet distances",
    "compare.opponent": "strongest fresh opponent is right",
    "compare.copies": "copies",
    "compare.other_verdicts": "these runs' verdicts rest on different samples, features or data, so they cannot be "
    "compared: measure all runs alike with `duelo measure`.",
}
