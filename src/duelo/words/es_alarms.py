"""Spanish: what the page of the lab says when something goes wrong, and which of its controls to turn."""

ALARMS = {
    "found.missing_modes": "colapso de modos",
    "finding.missing_modes": "Desde {kimg} kimg ({judgements:.0f} juicios) la generadora atiende solo {modes:.0f} de los "
    "{k:.0f} modos, aunque el {good:.0%} de sus puntos está bien: renunció a los demás.",
    "lab.findings.quiet": "Aún no hay diagnóstico: lo que se ve mal debe durar varias miradas antes de que se dé la alarma.",
    "lab.findings.judged": "Sin alarmas durante el entrenamiento; lo que resultó de él está en el veredicto.",
    "lab.forgotten": "El servidor empezó de nuevo y la partida en vivo que había se perdió; «{play}» empieza otra.",
    "lab.remedy.missing_modes": "Ponga {r1} y {r2} en 1: una discriminadora de pendientes suaves sigue mostrando el camino "
    "hacia los modos abandonados.",
    "lab.remedy.mode_collapse": "Ponga {r1} y {r2} en 0.1 o más; y si {latent} es bajo, primero súbalo a 64.",
    "lab.remedy.discriminator_too_strong": "Ponga {balance} en «{adaptive}», que frena a la discriminadora hasta que su "
    "ventaja sea pequeña, o baje {discriminator_rate}.",
    "lab.remedy.discriminator_too_weak": "Duplique {discriminator_rate}, o ponga {discriminator_steps} en 2.",
    "lab.remedy.discriminator_asleep": "Ponga {discriminator_rate} más o menos como la de la generadora.",
    "lab.remedy.wrong_way_round": "Deje que la discriminadora se reponga: dele unos turnos a ella sola con «{step_d}», o "
    "suba {discriminator_rate}.",
    "lab.remedy.generator_stuck": "Ponga {generator_rate} más o menos como la de la discriminadora, y {generator_steps} en "
    "1 por lo menos.",
    "lab.remedy.copying_pressure": "Lo mejor es tener más ejemplares: ponga {members} en 0, es decir, todos. Con imágenes "
    "también ayuda {augment} de 0.2 o más.",
    "lab.remedy.oscillation": "Ponga {beta1} en 0, y {r1} y {r2} en 0.1, que amortiguan la oscilación.",
    "lab.remedy.vanishing_gradients": "Si {objective} es «{minimax}», elija «{nonsaturating}»; si no, baje "
    "{discriminator_rate}, o elija otras redes con {pair}.",
    "lab.remedy.exploding": "Limite la pendiente de la discriminadora: ponga {gp} en 10 con el objetivo «{wasserstein}», y "
    "{r1} en 0.5 con cualquier otro.",
    "lab.runs.remedy_where": "Tales valores se escriben en un entrenamiento nuevo, en «{more}».",
}
