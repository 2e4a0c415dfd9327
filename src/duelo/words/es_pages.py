"""Español: lo que dicen las páginas, el informe y la comparación."""

PAGES = {
    # el informe
    "report.title.digits": "Un duelo de dígitos",
    "report.title.grid": "Un duelo en una cuadrícula de puntos",
    "report.title.ring": "Un duelo en un anillo de puntos",
    "report.title.stacked_digits": "Un duelo de dígitos apilados",
    "report.title.images": "Un duelo sobre las imágenes de {data}",
    "report.lead": "Dos redes compitieron: la generadora por imitar, la discriminadora por distinguir las imitaciones.",
    "report.final": "Lo que la generadora hizo con 100 latentes al azar tras {kimg} kimg. Ninguna muestra se eligió a mano.",
    "report.final_points": "5000 puntos que la generadora hizo tras {kimg} kimg (naranja), sobre 5000 reales (oscuros).",
    "report.numbers": "La corrida en cifras",
    "report.state_done": "Terminada: {kimg} de {of} kimg (miles de imágenes).",
    "report.state_open": "Sin terminar: {kimg} de {of} kimg (miles de imágenes) hasta ahora.",
    "report.time": "tiempo de entrenamiento",
    "report.images": "imágenes reales vistas",
    "report.speed": "imágenes por segundo",
    "report.real_right": "aciertos de D en reales",
    "report.fake_right": "aciertos de D en generadas",
    "report.no_verdict": "D es la discriminadora de este mismo duelo, que juzga imágenes con las que se entrenó "
    "(promedio del último décimo de la corrida). Es una señal de equilibrio, no una medida de calidad: mire las "
    "imágenes.",
    "report.data": "Las imágenes reales",
    "report.data_hint": "La generadora nunca las vio: solo aprendió de lo que la discriminadora dijo de las suyas.",
    "report.real_caption": "Algunas de las imágenes de entrenamiento, para comparar con las de arriba.",
    "report.size": "ancho x alto",
    "report.classes": "clases",
    "report.part_train": "para entrenar",
    "report.part_referee": "para el árbitro",
    "report.part_heldout": "reservadas",
    "report.part_test": "de prueba",
    "report.evolution": "Cómo aprendió",
    "report.evolution_hint": "Cada fila es un momento; cada columna, el mismo latente: la misma idea, cada vez mejor "
    "dibujada.",
    "report.evolution_points": "Los mismos 5000 latentes en varios momentos.",
    "report.duel": "El duelo",
    "report.duel_hint": "Ninguna de las dos debe volverse demasiado experta, o la otra no tiene de qué aprender. En "
    "el equilibrio la discriminadora acierta la mitad de las veces.",
    "report.accuracy": "Con qué frecuencia acierta D",
    "report.accuracy_caption": "Proporción de las imágenes reales y de las generadas que la discriminadora juzgó bien "
    "mientras se entrenaba con ellas. En la línea discontinua, 50 %, solo puede responder al azar.",
    "report.losses": "Pérdidas",
    "report.loss_caption": "La pérdida D de la discriminadora y la pérdida G de la generadora; las líneas "
    "discontinuas son sus valores en el equilibrio ({d} y {g}). Que una pérdida baje no significa que las imágenes "
    "mejoren: la rival también se mueve.",
    "report.logits": "Lo que dice D",
    "report.findings": "Lo que vio el árbitro",
    "report.findings_hint": "A intervalos regulares, el árbitro mira cómo va el duelo, con imágenes con las que nadie "
    "entrena y con falsas recién hechas. Lo que encuentra mal varias veces seguidas se nombra aquí, junto con lo que "
    "conviene probar.",
    "report.nothing_found": "No hubo nada anómalo.",
    "report.spell": "de {first} a {last} kimg",
    "report.judgement": "Distancia a las imágenes del árbitro",
    "report.generated": "generadas",
    "report.floor": "imágenes reales de entrenamiento",
    "report.judgement_caption": "Distancia de Wasserstein por cortes entre {n} imágenes generadas y otras tantas de "
    "la parte del árbitro, con la que nadie entrena; las imágenes reales de entrenamiento obtienen {floor}. El mejor "
    "punto, {best}, fue a los {kimg} kimg; la corrida lo conserva.",
    "report.judgement_points": "Lo que dista cada uno de {n} puntos generados del más cercano de otros tantos de la parte "
    "del árbitro, con la que nadie entrena, más lo que dista cada uno de estos del generado más cercano, en promedio; "
    "los puntos reales de entrenamiento obtienen {floor}. El mejor momento, {best}, fue a los {kimg} kimg; la corrida lo "
    "conserva.",
    "report.vae_loss": "Evidencia negativa, nats por imagen",
    "report.loss_vae": "total",
    "report.vae_caption": "Un VAE no tiene contrincante: minimiza esta cota superior de la sorpresa ante las imágenes de "
    "entrenamiento.",
    "report.vae_parts": "Sus dos partes",
    "report.reconstruction": "reconstrucción",
    "report.divergence": "divergencia",
    "report.vae_parts_caption": "Cuán mal se rehacen las imágenes a partir de sus latentes, y cuánto dicen de ellas "
    "los latentes.",
    "report.logit_caption": "Respuesta media (logit) de la discriminadora: cuanto más alta, más segura está de que "
    "una imagen es real. La distancia entre las líneas es lo que aún sabe distinguir.",
    "report.on_real": "reales",
    "report.on_fake": "generadas",
    "report.loss_d": "D",
    "report.loss_g": "G",
    "report.draw": "equilibrio",
    "report.kimg": "miles de imágenes reales vistas (kimg)",
    "report.recipe": "Receta",
    "report.machine": "Máquina",
    "report.footer": "Escrito por duelo {version}. Esta página es un solo archivo y no necesita red.",
    # corridas lado a lado
    "compare.few": "para comparar hacen falta al menos dos corridas distintas; `duelo runs` muestra las que existen.",
    "compare.no_stats": "la corrida de {path} aún no tiene estadísticas, así que no hay qué comparar; entrénela más "
    "tiempo o déjela fuera.",
    "compare.out": "--out {path} no es válido: indique un archivo .html.",
    "compare.page": "página: {path}",
    "compare.columns": "corrida|datos|kimg|tiempo|imágenes|mejor juicio|piso|último juicio|D reales|D "
    "generadas|cociente FD|contrincante|copias|difiere en",
    "compare.equal_images": "juicio con igual número de imágenes vistas ({kimg} kimg)",
    "compare.equal_time": "juicio con el mismo tiempo de entrenamiento ({time})",
    "compare.other_data": "estas corridas usan datos distintos ({data}): solo se pueden comparar entre sí los juicios "
    "sobre los mismos datos.",
    "compare.other_machines": "estas corridas se entrenaron en máquinas distintas o con distinto número de hilos: con "
    "el mismo tiempo de entrenamiento, eso también cuenta.",
    "compare.title": "Corridas lado a lado",
    "compare.lead": "{n} corridas, comparadas con igual número de imágenes vistas y con igual tiempo de entrenamiento.",
    "compare.figures": "Las corridas en cifras",
    "compare.data": "datos",
    "compare.kimg": "miles de imágenes (kimg)",
    "compare.best": "mejor juicio",
    "compare.floor": "piso: reales contra reales",
    "compare.last": "último juicio",
    "compare.value": "Juicio",
    "compare.differs": "En qué difieren las recetas",
    "compare.same": "Las recetas son iguales",
    "compare.judgement_hint": "La distancia ({measure}) entre imágenes generadas y reales de la parte del árbitro, "
    "con las que nadie se entrenó: cuanto más baja, mejor. El piso es la distancia entre unas imágenes reales y otras. "
    "Se miran pocas imágenes, y otra semilla da otra curva: antes de decir que una receta es mejor que otra, compare "
    "varias corridas de cada una. La escala es logarítmica.",
    "compare.no_judgement": "Ninguna de estas corridas fue juzgada: son de una versión anterior.",
    "compare.seconds": "tiempo de entrenamiento en segundos",
    "compare.minutes": "tiempo de entrenamiento en minutos",
    "compare.smooth": "Cada curva se resume en {n} promedios como máximo.",
    "compare.without": "Sin discriminadora y, por tanto, sin estas curvas: {names}.",
    "compare.pictures": "Lo que hacen",
    "compare.pictures_hint": "De cada corrida, la última imagen guardada hasta ese punto. Nada se eligió a mano.",
    "compare.top_rows": "De las cuadrículas de imágenes solo se muestran las primeras {n} filas.",
    "compare.pictures_images": "Con igual número de imágenes vistas ({kimg} kimg)",
    "compare.pictures_time": "Con el mismo tiempo de entrenamiento ({time})",
    "compare.pictures_end": "Las últimas",
    "compare.no_picture": "sin imagen",
    "machine.device": "dispositivo",
    "machine.cpu": "procesador",
    "machine.cores": "núcleos",
    "machine.threads": "hilos",
    "machine.system": "sistema",
    "machine.python": "Python",
    "machine.torch": "torch",
    "verdict.opponent": "Un contrincante nuevo acierta el {value:.1%} de las veces (de {low:.1%} a {high:.1%}; el 50 "
    "% sería un empate; reales contra reales: {floor:.1%}).",
    "verdict.quality": "La {name} entre los ejemplares generados y los reservados es {value:.3g} veces la de los reales de "
    "entrenamiento (de {low:.3g} a {high:.3g}; 1 es lo que obtendrían ejemplares reales nuevos).",
    "verdict.cover": "Cubren el {coverage:.0%} de los reservados (los reales: el {coverage_floor:.0%}), con una "
    "densidad de {density:.2f} (los reales: {density_floor:.2f}).",
    "verdict.no_copies": "En ninguna de las {total} muestras se reconoció una copia de un ejemplar de entrenamiento (se "
    "reconocería a lo sumo en el {high:.2%} de las de esta generadora).",
    "verdict.among": "Las copias se buscaron entre {n_train} de los {all_train} ejemplares de entrenamiento, al azar.",
    "verdict.copies": "{copies} de {total} muestras son copias de ejemplares de entrenamiento (del {low:.2%} al "
    "{high:.2%}; de los reales reservados se llamaría así al {floor:.2%}).",
    "verdict.power": "De copias puestas a propósito entre las muestras, una de cada mil, la prueba encontró {shares}.",
    "verdict.planted.exact": "de las exactas",
    "verdict.planted.shifted": "de las desplazadas un píxel",
    "verdict.planted.noisy": "de las que llevan ruido",
    "verdict.planted.turned": "de las giradas 5 grados",
    "verdict.and": "{rest} y {last}",
    "verdict.thousand": "{modes} de {k} modos en {n} muestras (otras tantas reales: {modes_floor}); KL {kl:.4f} (las "
    "reales: {kl_floor:.4f}).",
    "verdict.mixture": "{modes} de {k} modos; el {good:.1%} de los puntos a menos de 3 sigmas (extracciones "
    "verdaderas: el {good_ideal:.1%}); KL entre los modos {kl:.1e} (99 de cada 100 extracciones verdaderas quedan por "
    "debajo de {kl_limit:.1e}).",
    "help.no_copies": "omitir un sexto de lo que se genera: lo que queda más cerca de una imagen de entrenamiento, en "
    "proporción a su distancia a las de la parte del árbitro",
    "sample.no_copies": "de {drawn} muestras generadas se conservan las {n} que menos parecen copias; {copies} de ellas aún "
    "cuentan como copias.",
    "sample.few_referee": "--no-copies compara las muestras con la parte del árbitro, que aquí tiene {n} imágenes y "
    "necesita {least}; omítalo.",
    "page.verdict": "El veredicto",
    "page.verdict_hint": "Medido con muestras del mejor punto, frente a ejemplares reservados que antes no participaron "
    "en nada. Junto a cada cifra está su piso: la misma medida para ejemplares reales, como si fueran generados.",
    "page.brief": "Este es el veredicto breve del final de una corrida; `duelo measure` da uno más seguro.",
    "page.not_measured": "Esta corrida aún no se ha medido: lo hace `duelo measure {path}`.",
    "page.measured": "{n} muestras con {kimg:g} kimg, {heldout} ejemplares reservados, semilla {seed}; características: "
    "{features} ({hash}…). Comparable con los veredictos de la misma huella: {fingerprint}.",
    "page.value": "medido",
    "page.interval": "intervalo del 95 %",
    "page.floor": "reales contra reales",
    "page.quality": "Calidad",
    "page.quality_hint": "¿Se parece lo que hace a lo real (precisión, densidad), y hace de todo (exhaustividad, "
    "cobertura)?",
    "page.ratio": "cociente de {name}",
    "page.precision": "precisión",
    "page.recall": "exhaustividad",
    "page.density": "densidad",
    "page.coverage": "cobertura",
    "page.classes": "distancia entre las proporciones de clases",
    "page.test": "{name} a la parte de prueba canónica (dígitos escritos por otras personas)",
    "page.equilibrium": "Equilibrio",
    "page.equilibrium_hint": "Discriminadoras nuevas, entrenadas desde cero con la mitad de las muestras, se prueban "
    "con la otra mitad. Si la generadora hubiera captado la distribución real, solo podrían responder al azar: "
    "acertarían la mitad de las veces.",
    "page.small": "contrincante pequeño ({n} pesos)",
    "page.medium": "contrincante mediano ({n} pesos)",
    "page.large": "contrincante grande ({n} pesos)",
    "page.small_short": "pequeño",
    "page.medium_short": "mediano",
    "page.large_short": "grande",
    "page.gap": "brecha de dualidad, nats (k = {k} pasos de cada red)",
    "page.gap_perturbed": "brecha de dualidad, nats, sacudiendo antes cada red (k = {k})",
    "page.opponent_curve": "Con qué rapidez descubren los contrincantes la imitación",
    "page.opponent_kimg": "ejemplares reales que vio el contrincante, en miles",
    "page.logits": "Lo que dice el contrincante más fuerte",
    "page.logit": "logit (por encima de 0: «real»)",
    "page.real": "reservados",
    "page.generated": "generados",
    "page.curve_caption": "Proporción de aciertos con muestras que el contrincante nunca vio, mientras aprende. Con el "
    "50 % solo responde al azar.",
    "page.logits_caption": "Cuanto más se solapan los dos montes, mejor es la imitación.",
    "page.own": "Lo que dice la propia discriminadora de la corrida",
    "page.train": "de entrenamiento",
    "page.plain_logit": "logit",
    "page.own_caption": "De {n} ejemplares de cada grupo acierta con el {train} de los de entrenamiento, el {real} de los "
    "reservados y el {generated} de los generados (con un margen de {error} puntos; por encima de {border} dice "
    "«real»). Donde el monte de entrenamiento queda a la derecha del de los reservados, se sabe de memoria sus "
    "ejemplares, y eso premia la copia.",
    "page.worst": "Las muestras que le parecieron más claramente generadas.",
    "page.best": "Las muestras que le parecieron más reales.",
    "page.copying": "Copia",
    "page.copying_hint": "Una copia está mucho más cerca de un ejemplar de entrenamiento que de cualquier reservado, "
    "más de lo que nunca lo están los ejemplares reales nuevos.",
    "page.share": "copias",
    "page.c_t": "C_T (muy por debajo de 0: copia)",
    "page.authenticity": "muestras auténticas",
    "page.fld_gap": "brecha de FLD (muy por debajo de 0: de memoria)",
    "page.memorisation": "distancia de MiFID al entrenamiento (pequeña: copia)",
    "page.planted.exact": "halladas de las copias puestas: exactas",
    "page.planted.shifted": "halladas de las copias puestas: desplazadas un píxel",
    "page.planted.noisy": "halladas de las copias puestas: ruido del 5 % de la escala",
    "page.planted.turned": "halladas de las copias puestas: giradas 5 grados",
    "page.nearest": "Primero lo más parecido a una copia, dos por fila: una muestra, el ejemplar de entrenamiento más "
    "cercano y el reservado más cercano. Una muestra honesta dista lo mismo de ambos.",
    "page.modes_title": "Modos",
    "page.modes": "modos encontrados",
    "page.kl": "KL entre los modos, nats",
    "page.excess": "exceso sobre las reales, nats",
    "page.sure": "proporción de la que el clasificador está seguro al 99 %, y sus modos",
    "page.class_shares": "Con qué frecuencia sale cada clase",
    "page.class": "clase",
    "page.class_caption": "Proporciones entre los ejemplares generados y los reservados. Una clase que falta se ve "
    "como un hueco.",
    "page.good": "a menos de 3 sigmas de un modo",
    "page.narrowest": "menor varianza de un modo, dividida por la verdadera",
    "page.widest": "la mayor",
    "page.interpolation": "En cada fila, el camino entre dos latentes: si la generadora solo conociera imágenes "
    "sueltas, habría saltos o mezclas.",
    "page.discriminators": "Izquierda: lo que diría una discriminadora óptima, según la densidad conocida y los puntos "
    "de esta generadora. Derecha: lo que dice la del duelo. Azul: real; naranja: generado.",
    "compare.ratio": "cociente de distancias de Fréchet",
    "compare.opponent": "acierta el contrincante nuevo más fuerte",
    "compare.copies": "copias",
    "compare.other_verdicts": "los veredictos de estas corridas se apoyan en muestras, características o datos "
    "distintos, así que no se pueden comparar: mida todas las corridas igual con `duelo measure`.",
}
