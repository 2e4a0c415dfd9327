"""English: what the page of the lab says when something goes wrong, and which of its controls to turn."""

ALARMS = {
    "found.missing_modes": "mode collapse",
    "finding.missing_modes": "Since {kimg} kimg ({judgements:.0f} judgements) the generator serves only {modes:.0f} of the "
    "{k:.0f} modes, though {good:.0%} of its points are good ones: it has given up the others.",
    "lab.findings.quiet": "No finding yet: what looks bad must last for several looks before it is called an alarm.",
    "lab.findings.judged": "No alarm during the training; what came of it stands in the verdict.",
    "lab.forgotten": "The server began anew, and the live game that was on is lost; “{play}” starts another one.",
    "lab.remedy.missing_modes": "Set {r1} and {r2} to 1: a discriminator with gentle slopes still shows the way to modes "
    "that were left out.",
    "lab.remedy.mode_collapse": "Set {r1} and {r2} to 0.1 or more; and if {latent} is small, set it to 64 first.",
    "lab.remedy.discriminator_too_strong": "Set {balance} to “{adaptive}”, which slows the discriminator down until its "
    "lead is small, or lower {discriminator_rate}.",
    "lab.remedy.discriminator_too_weak": "Double {discriminator_rate}, or set {discriminator_steps} to 2.",
    "lab.remedy.discriminator_asleep": "Set {discriminator_rate} to about that of the generator.",
    "lab.remedy.wrong_way_round": "Let the discriminator catch up: give it some turns alone with “{step_d}”, or raise "
    "{discriminator_rate}.",
    "lab.remedy.generator_stuck": "Set {generator_rate} to about that of the discriminator, and {generator_steps} to 1 at "
    "least.",
    "lab.remedy.copying_pressure": "More examples are the best remedy: set {members} to 0, which means all. With images, "
    "{augment} of 0.2 or more helps too.",
    "lab.remedy.oscillation": "Set {beta1} to 0, and {r1} and {r2} to 0.1, which damp it.",
    "lab.remedy.vanishing_gradients": "If {objective} is “{minimax}”, choose “{nonsaturating}”; else lower "
    "{discriminator_rate}, or choose other networks with {pair}.",
    "lab.remedy.exploding": "Bound the discriminator's slope: set {gp} to 10 with the objective “{wasserstein}”, {r1} to "
    "0.5 with any other.",
    "lab.runs.remedy_where": "Such values go into a new training, under “{more}”.",
}
