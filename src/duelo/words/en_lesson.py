"""English: the guided lesson of the lab, chapter by chapter."""

LESSON = {
    # strides
    "lab.strides.title": "Strides, pixel by pixel",
    "lab.strides.way": "Direction",
    "lab.strides.transposed": "Generator: transposed convolution",
    "lab.strides.convolution": "Discriminator: convolution",
    "lab.strides.stride": "Stride",
    "lab.strides.kernel": "Kernel",
    "lab.strides.weights": "Weights",
    "lab.strides.weights_ones": "all 1",
    "lab.strides.weights_tent": "tent",
    "lab.strides.weights_edge": "edge",
    "lab.strides.input": "Input, {n} × {n}",
    "lab.strides.output": "Output, {n} × {n}",
    "lab.strides.next": "Next pixel",
    "lab.strides.previous": "Back",
    "lab.strides.all": "To the end",
    "lab.strides.start_transposed": "Press play: each input pixel will paint a square into the output.",
    "lab.strides.start_convolution": "Press play: each output pixel will read a square of the input.",
    "lab.strides.paints": "pixel {pixel} × the {side} × {side} weights = {values}",
    "lab.strides.remark_tiles": "Kernel and stride are equal: the squares lie side by side, each exactly as large as the "
    "stride. This is the lecture's picture.",
    "lab.strides.remark_overlap": "The kernel is larger than the stride and a multiple of it: the squares overlap, and "
    "every inner pixel is painted equally often. So the values in between are interpolated.",
    "lab.strides.remark_checkerboard": "The kernel is no multiple of the stride: some pixels are painted more often than "
    "others. This is where the checkerboard in many generated images comes from.",
    "lab.strides.remark_holes": "The kernel is smaller than the stride: between the squares there are holes that nobody "
    "paints.",
    "lab.strides.remark_slow": "Stride 1: the square moves pixel by pixel, and the image hardly shrinks.",
    "lab.strides.remark_shrinks": "Stride {stride}: the square jumps {stride} pixels at a time, so the image shrinks "
    "without any pooling layer.",
    # the lesson's frame
    "lab.lesson.loading": "The lesson is coming…",
    "lab.lesson.chapters": "Chapters",
    "lab.lesson.done": "point reached",
    "lab.lesson.experiment": "The experiment",
    "lab.lesson.look": "What to look at",
    "lab.lesson.shows": "What it shows",
    "lab.lesson.try": "Then try this",
    "lab.lesson.begin": "Set it up and play",
    "lab.lesson.again": "Set it up again",
    "lab.lesson.click": "One click sets everything; the networks are new each time.",
    "lab.lesson.veil": "This chapter has a live experiment: real networks that learn on this computer.",
    "lab.lesson.point": "The point of this chapter",
    "lab.lesson.reached": "Point reached",
    "lab.lesson.progress": "On the way to the point",
    "lab.lesson.open": "Open it in Watch",
    "lab.lesson.end": "Now play freely",
    # who gives what to whom
    "lab.diagram.plain_label": "Noise goes into the generator; its images and real images go to the discriminator, which "
    "says real or not; what it says teaches the generator.",
    "lab.diagram.plain_noise": "noise",
    "lab.diagram.plain_g": "generator",
    "lab.diagram.plain_fake": "imitation",
    "lab.diagram.plain_real": "originals X",
    "lab.diagram.plain_d": "discriminator",
    "lab.diagram.plain_opinion": "real?",
    "lab.diagram.plain_lesson": "how to be more convincing",
    "lab.diagram.actor_label": "A situation goes into the actor; its action goes to the critic, which also sees examples "
    "and gives a value; the slope of the value teaches the actor.",
    "lab.diagram.actor_noise": "situation",
    "lab.diagram.actor_g": "actor = G",
    "lab.diagram.actor_fake": "action",
    "lab.diagram.actor_real": "examples",
    "lab.diagram.actor_d": "critic = D",
    "lab.diagram.actor_opinion": "value",
    "lab.diagram.actor_lesson": "the slope of the value",
    # the chapters
    "lab.lesson.networks.kicker": "Part 1: what they are (L1, L2, L5)",
    "lab.lesson.networks.title": "Two networks",
    "lab.lesson.networks.lead": "One network invents, the other judges. Nobody tells either of them how it is done: each "
    "learns only from the other.",
    "lab.lesson.networks.text1": "The generator is any network that can make new members of a class: a face, a digit, "
    "here a point in the plane. It starts from noise. The discriminator is any network that can look at a member and "
    "judge whether it comes from the original set X or is an imitation.",
    "lab.lesson.networks.text2": "They take turns. First the discriminator learns a little to tell real from generated, "
    "with cross-entropy, the usual loss of a classifier. Then the generator learns a little to make that judgement "
    "wrong. And again, thousands of times. That is adversarial training.",
    "lab.lesson.networks.setup": "The originals are points in eight heaps on a ring. The generator has never seen one of "
    "them, and never will. The game is played slowly, so that you can follow it.",
    "lab.lesson.networks.look1": "The orange points: a shapeless cloud at first, then pulled to where the discriminator "
    'says "real".',
    "lab.lesson.networks.look2": "The background: blue where the discriminator would say real, orange where it would say "
    "generated. On the dashed line it cannot tell.",
    "lab.lesson.networks.look3": "Press D and then G on the keyboard: one turn of each side alone. D recolours the "
    "background, G moves its points.",
    "lab.lesson.networks.point": "The generated points are four times nearer to the real ones than at the start.",
    "lab.lesson.networks.shows": "Nobody gave the generator an example. All it hears of a point is how real the "
    "discriminator takes it to be, and in which direction it would look more real. That is enough to capture the "
    "distribution P(X).",
    "lab.lesson.networks.try": "Turn on the latent grid: you see the generator as a sheet of rubber that it stretches "
    "until it covers the eight heaps. Between two heaps the sheet must tear, and no network can tear quite sharply: a "
    "few points stay on the way.",
    "lab.lesson.expert.kicker": "Part 2: how they learn (L6)",
    "lab.lesson.expert.title": "Too expert",
    "lab.lesson.expert.lead": 'A teacher who says nothing but "wrong" teaches nothing.',
    "lab.lesson.expert.text1": "It matters that neither side becomes too expert. A discriminator that never doubts gives "
    "all imitations the same verdict, whatever the generator changes about them. Its opinion becomes a plateau, and on "
    "a plateau there is no slope to climb.",
    "lab.lesson.expert.text2": "In the game as first written down, minimax, this can be read off the formula: what "
    "reaches the generator is multiplied by D(G(z)), the discriminator's remaining doubt. No doubt, no lesson.",
    "lab.lesson.expert.setup": "The same ring. But now the discriminator learns with twenty times the generator's rate, "
    "no penalty holds it back, and the loss is minimax.",
    "lab.lesson.expert.look1": "The referee's bar: blue pushes orange out.",
    "lab.lesson.expert.look2": "The gradient curve, whose scale goes by powers of ten: the orange line falls away.",
    "lab.lesson.expert.look3": "The orange points: they stop, although they are nowhere near the real ones.",
    "lab.lesson.expert.point": "The generator's gradient has shrunk to a twentieth of what it was at first.",
    "lab.lesson.expert.shows": "The discriminator has won, and so both have lost: the generator has nothing left to learn "
    "from, and the discriminator nothing left to learn.",
    "lab.lesson.expert.try": "Open this game in Watch and change the objective to non-saturating cross-entropy: now the "
    "generator is told how far it is from convincing, and the gradient comes back. Or start anew with the adaptive "
    "balance.",
    "lab.lesson.equilibrium.kicker": "Part 2: how they learn (L7)",
    "lab.lesson.equilibrium.title": "Equilibrium at 50 %",
    "lab.lesson.equilibrium.lead": "When the imitation is perfect, even the best judge can only toss a coin.",
    "lab.lesson.equilibrium.text1": "If the generator has captured P(X), real and generated members are distributed "
    "alike, and no discriminator whatsoever can be right more than half of the time. Its best answer is D(x) = 1/2 "
    "everywhere; then its loss is 2 ln 2 = 1.386, and the generator's is ln 2 = 0.693.",
    "lab.lesson.equilibrium.text2": "Beware of the converse. A discriminator that is merely weak also guesses. So 50 % "
    "proves something only if the judge is good: duelo looks where the generated points really lie, and its measure "
    "trains fresh opponents against the finished generator.",
    "lab.lesson.equilibrium.setup": "The ring, with networks that can tear the plane into islands and with penalties that "
    "keep the duel calm.",
    "lab.lesson.equilibrium.look1": "The dots on the referee's board: full for the real ones it trains on, hollow for "
    "real ones it never trains on, orange for generated. All three come to the dashed line.",
    "lab.lesson.equilibrium.look2": "The best possible opinion (switch it on at the stage): it is computed, not "
    "learnt, and it pales as the two distributions become one.",
    "lab.lesson.equilibrium.look3": "Even at the equilibrium the points tremble: both sides go on learning.",
    "lab.lesson.equilibrium.point": "All eight modes are found, most points are on target, and over several looks the "
    "referee sees the discriminator right on 45 % to 55 % of real ones never trained on and fresh fakes.",
    "lab.lesson.equilibrium.shows": "The duel ends in a draw, and that is success: a judge that has learnt all along can "
    "no longer tell the difference.",
    "lab.lesson.equilibrium.try": "Draw a distribution of your own in Watch and see how near to 50 % the duel comes.",
    "lab.lesson.collapse.kicker": "Part 3: what goes wrong",
    "lab.lesson.collapse.title": "Mode collapse",
    "lab.lesson.collapse.lead": "Why learn everything, if one trick convinces?",
    "lab.lesson.collapse.text1": "The generator is paid for being believed, not for variety. If the discriminator is "
    "gullible about one kind of member, the best reply is to make only that kind. The discriminator then learns to "
    "distrust it, and the generator jumps to another: they chase each other in circles.",
    "lab.lesson.collapse.text2": "Losses do not show it: each side may be doing well against the other of this moment. It "
    "is seen in the samples: they are all alike, while the real ones are not.",
    "lab.lesson.collapse.setup": "The networks of the chapter on equilibrium, without the penalties that kept that duel "
    "calm.",
    "lab.lesson.collapse.look1": "The orange points: they crowd together, and the crowd wanders from heap to heap.",
    "lab.lesson.collapse.look2": "The number of modes found, above the bar.",
    "lab.lesson.collapse.look3": "Switch on the latent grid: the whole sheet is crumpled into one place.",
    "lab.lesson.collapse.point": "For a while, many generated points are convincing, but of fewer than four of the eight "
    "modes.",
    "lab.lesson.collapse.shows": "Convincing is not the same as complete. Whoever measures a generator must ask two "
    "questions: are its samples good, and are they all there?",
    "lab.lesson.collapse.try": "Open this game in Watch and give R1 and R2 a value of 1: the penalties flatten the "
    "discriminator's slopes, and the heap spreads out again.",
    "lab.lesson.copying.kicker": "Part 3: what goes wrong (L8)",
    "lab.lesson.copying.title": "Copying",
    "lab.lesson.copying.lead": "The easiest way to convince the judge is to repeat what it has already called real.",
    "lab.lesson.copying.text1": "When the discriminator can know its examples by heart, only those count as real, and the "
    "generator learns to reproduce them. This is the weakness the lecture names: it is hard to make the generator "
    "creative.",
    "lab.lesson.copying.text2": "To catch a copy, look for the training example that is nearest to each generated image. "
    "But near compared with what? Held-out images, on which nobody trained, also have a nearest training example. "
    "Whoever is much nearer than they are has copied.",
    "lab.lesson.copying.setup": "The networks may see 20 digits, and no more. It takes less than a minute on a laptop.",
    "lab.lesson.copying.look1": "Left what the generator makes, right the nearest training example of each, in the same "
    "places. The two pictures become one.",
    "lab.lesson.copying.look2": "Choose an image: its distance to the nearest training example falls below that to the "
    "nearest held-out one.",
    "lab.lesson.copying.look3": "The hollow dot on the referee's board: real digits that were never trained on begin to "
    "look false to the discriminator. It has learnt by heart.",
    "lab.lesson.copying.point": "The generated images are nearer to training examples than real held-out images are: at "
    "60 % of their distance, or less.",
    "lab.lesson.copying.shows": "Good images are no proof of a good generator. With few examples it becomes an expensive "
    "way to store them; that is why duelo keeps images apart and counts copies.",
    "lab.lesson.copying.try": "In Watch, let it train on 2,000 digits, then on all: how far away are the nearest examples "
    "now?",
    "lab.lesson.strides.kicker": "Part 4: the digits (L9, L10, L11)",
    "lab.lesson.strides.title": "Strides, pixel by pixel",
    "lab.lesson.strides.lead": "How an image shrinks for the one who judges, and grows for the one who invents.",
    "lab.lesson.strides.text1": "The lecture's discriminator has no pooling layers and no fully connected ones. It "
    "shrinks the image with strides: the square that reads the image jumps two pixels at a time instead of one, so each "
    "layer halves the image's side.",
    "lab.lesson.strides.text2": "The generator goes the other way. It starts from a small image of normal noise and "
    "enlarges it with transposed convolutions, also called deconvolutions. Each pixel of the input paints a square into "
    "the output: its own value times the kernel's weights. The squares begin one stride apart; where they overlap, they "
    "add up.",
    "lab.lesson.strides.setup": "Choose a stride and a kernel, then play, or go pixel by pixel. The numbers are those "
    "that torch computes.",
    "lab.lesson.strides.look1": "Stride 2, kernel 2 × 2: the squares lie side by side, each exactly as large as the stride.",
    "lab.lesson.strides.look2": "Kernel 4 × 4 with the tent: squares overlap, and the values in between are interpolated.",
    "lab.lesson.strides.look3": "Kernel 3 × 3 with all weights 1: some pixels are painted once, others two or four times. "
    "A checkerboard.",
    "lab.lesson.strides.point": "Follow a transposed convolution and a convolution to their last pixel.",
    "lab.lesson.strides.shows": "They are each other's mirror image: what one reads as a square, the other paints as a "
    "square. With them a digit of 32 × 32 becomes one number, and a small image of noise becomes a digit.",
    "lab.lesson.vae.kicker": "Part 1: what they are (L3)",
    "lab.lesson.vae.title": "GAN against VAE",
    "lab.lesson.vae.lead": '"Variational autoencoders are said to give better results already." Let us look, instead of '
    "repeating it.",
    "lab.lesson.vae.text1": "A variational autoencoder (VAE) has no opponent. An encoder describes each image with a few "
    "numbers and says how sure it is of them; a decoder draws the image again. It is paid for getting every pixel "
    "right, and for numbers that look like noise, so that new images can be drawn from noise.",
    "lab.lesson.vae.text2": "Whoever is paid by the pixel hedges: in doubt, it paints the mean, and the mean of many "
    "sharp strokes is blurred. A generator is not paid for resembling any one image, only for being believed. It dares "
    "sharp strokes, and it may leave out what it finds hard.",
    "lab.lesson.vae.setup": "Both learn digits at the same time, from as many images, with networks of the same width.",
    "lab.lesson.vae.look1": "The VAE has readable shapes first; they stay soft.",
    "lab.lesson.vae.look2": "The GAN begins with grain and noise; its strokes become sharp and bright.",
    "lab.lesson.vae.look3": "The strip under each image: how far the discriminator believes it.",
    "lab.lesson.vae.point": "The images of both are half as far from the real ones as at the start, or less.",
    "lab.lesson.vae.shows": 'Neither "is better": it depends on the measure, on the time and on the data. What can be had '
    "is a fair comparison, with equal networks, images and seconds, and with the floor that real images reach. duelo "
    "compare makes one.",
    "lab.lesson.vae.try": "Train both for longer with duelo train digits and duelo train digits --recipe vae, and compare "
    "them under Runs.",
    "lab.lesson.actor_critic.kicker": "Part 1: what they are (L4)",
    "lab.lesson.actor_critic.title": "Actor and critic",
    "lab.lesson.actor_critic.lead": "Reinforcement learning knows this pair by other names.",
    "lab.lesson.actor_critic.text1": "In an actor-critic model an actor chooses an action, and a critic estimates its "
    "value. The actor improves by following the slope of the critic's estimate. Read generator for actor, image for "
    "action and discriminator for critic: that is a GAN (Pfau and Vinyals, 2016).",
    "lab.lesson.actor_critic.text2": "One thing differs. There the reward comes from a world that answers to what is "
    "done; here it comes from the critic's comparison with examples that the actor never sees and cannot change. That "
    "is why both fields share their remedies: a slow copy of the critic, replayed past actions, a reward for variety.",
    "lab.lesson.actor_critic.setup": "First the critic alone: the actor holds still (it has no turns), and the critic "
    "learns what its actions are worth. In reinforcement learning this is called policy evaluation.",
    "lab.lesson.actor_critic.look1": "The orange points do not move; the background does.",
    "lab.lesson.actor_critic.look2": "The arrows: the slope of the critic's value at each action. That is all an actor "
    "ever hears.",
    "lab.lesson.actor_critic.look3": "Once the critic is sure, the actor gets its turns, all by itself: the points begin "
    "to move along the arrows.",
    "lab.lesson.actor_critic.point": "The critic alone comes to be right on 95 % of actions and of examples. Then the "
    "actor is released, and comes half of the way to the examples.",
    "lab.lesson.actor_critic.shows": "With turns for D alone, D wins: 50 % is no property of a network but of the duel. A "
    "critic is worth as much as its slope, and an actor learns only while that slope is fresh.",
    "lab.lesson.actor_critic.try": "Pause, and press D or G several times in a row: a critic that is never taught again "
    "soon points the wrong way, and an actor that holds still is soon found out.",
    "lab.lesson.networks.value": "distance: {value} of what it was at first; goal {goal}",
    "lab.lesson.expert.value": "gradient: {value} of what it was at first; goal {goal}",
    "lab.lesson.equilibrium.value": "the referee sees D right on {value}; goal {goal}",
    "lab.lesson.collapse.value": "modes found: {value}; fewer than {goal} are wanted, for a while",
    "lab.lesson.copying.value": "distance to the nearest training example: {value} of the usual; goal {goal}",
    "lab.lesson.vae.value": "the larger distance of both: {value} of what it was at first; goal {goal}",
    "lab.lesson.actor_critic.value": "critic right on {value}; goal {goal}",
    "lab.lesson.actor_critic.released": "the actor is free; distance: {value} of what it was then; goal {goal}",
}
