"""Spanish: the guided lesson of the lab, chapter by chapter."""

LESSON = {
    # strides
    "lab.strides.title": "Saltos, píxel por píxel",
    "lab.strides.way": "Dirección",
    "lab.strides.transposed": "Generadora: deconvolución",
    "lab.strides.convolution": "Discriminadora: convolución",
    "lab.strides.stride": "Salto",
    "lab.strides.kernel": "Núcleo",
    "lab.strides.weights": "Pesos",
    "lab.strides.weights_ones": "todos 1",
    "lab.strides.weights_tent": "carpa",
    "lab.strides.weights_edge": "borde",
    "lab.strides.input": "Entrada, {n} × {n}",
    "lab.strides.output": "Salida, {n} × {n}",
    "lab.strides.next": "Píxel siguiente",
    "lab.strides.previous": "Atrás",
    "lab.strides.all": "Hasta el final",
    "lab.strides.start_transposed": "Pulse reproducir: cada píxel de la entrada pintará un cuadrado en la salida.",
    "lab.strides.start_convolution": "Pulse reproducir: cada píxel de la salida leerá un cuadrado de la entrada.",
    "lab.strides.paints": "píxel {pixel} × los {side} × {side} pesos = {values}",
    "lab.strides.remark_tiles": "Núcleo y salto son iguales: los cuadrados quedan lado a lado, cada uno exactamente del "
    "tamaño del salto. Es la imagen de la clase magistral.",
    "lab.strides.remark_overlap": "El núcleo es mayor que el salto y múltiplo de él: los cuadrados se solapan y cada "
    "píxel interior se pinta el mismo número de veces. Así se interpolan los valores intermedios.",
    "lab.strides.remark_checkerboard": "El núcleo no es múltiplo del salto: unos píxeles se pintan más veces que otros. "
    "De ahí viene el tablero de ajedrez que se ve en muchas imágenes generadas.",
    "lab.strides.remark_holes": "El núcleo es menor que el salto: entre los cuadrados quedan huecos que nadie pinta.",
    "lab.strides.remark_slow": "Salto 1: el cuadrado avanza píxel a píxel y la imagen apenas se reduce.",
    "lab.strides.remark_shrinks": "Salto {stride}: el cuadrado salta {stride} píxeles cada vez; así la imagen se reduce "
    "sin ninguna capa de agrupación (pooling).",
    # the lesson's frame
    "lab.lesson.loading": "La lección está en camino…",
    "lab.lesson.chapters": "Capítulos",
    "lab.lesson.done": "meta alcanzada",
    "lab.lesson.experiment": "El experimento",
    "lab.lesson.look": "Qué mirar",
    "lab.lesson.shows": "Qué muestra",
    "lab.lesson.try": "Pruebe después",
    "lab.lesson.begin": "Prepararlo y empezar",
    "lab.lesson.again": "Prepararlo de nuevo",
    "lab.lesson.click": "Un clic lo prepara todo; las redes son nuevas cada vez.",
    "lab.lesson.veil": "Este capítulo trae un experimento en vivo: redes de verdad que aprenden en este computador.",
    "lab.lesson.point": "La meta de este capítulo",
    "lab.lesson.reached": "Meta alcanzada",
    "lab.lesson.progress": "Camino hacia la meta",
    "lab.lesson.open": "Abrirlo en Ver",
    "lab.lesson.end": "Ahora, juegue libremente",
    # who gives what to whom
    "lab.diagram.plain_label": "El ruido entra en la generadora; sus imágenes y las reales van a la discriminadora, que "
    "dice si son reales; lo que dice enseña a la generadora.",
    "lab.diagram.plain_noise": "ruido",
    "lab.diagram.plain_g": "generadora",
    "lab.diagram.plain_fake": "imitación",
    "lab.diagram.plain_real": "originales X",
    "lab.diagram.plain_d": "discriminadora",
    "lab.diagram.plain_opinion": "¿real?",
    "lab.diagram.plain_lesson": "cómo convencer mejor",
    "lab.diagram.actor_label": "Una situación entra en el actor; su acción va al crítico, que también ve ejemplares y da un "
    "valor; la pendiente del valor enseña al actor.",
    "lab.diagram.actor_noise": "situación",
    "lab.diagram.actor_g": "actor = G",
    "lab.diagram.actor_fake": "acción",
    "lab.diagram.actor_real": "ejemplares",
    "lab.diagram.actor_d": "crítico = D",
    "lab.diagram.actor_opinion": "valor",
    "lab.diagram.actor_lesson": "la pendiente del valor",
    # the chapters
    "lab.lesson.networks.kicker": "Parte 1: qué son (L1, L2, L5)",
    "lab.lesson.networks.title": "Dos redes",
    "lab.lesson.networks.lead": "Una red inventa, la otra juzga. Nadie les dice cómo se hace: cada una aprende solo de la "
    "otra.",
    "lab.lesson.networks.text1": "La generadora es cualquier red capaz de crear nuevos miembros de una clase: una cara, "
    "un dígito, aquí un punto del plano. Parte de ruido. La discriminadora es cualquier red capaz de mirar un miembro y "
    "juzgar si viene del conjunto original X o es una imitación.",
    "lab.lesson.networks.text2": "Juegan por turnos. Primero la discriminadora aprende un poco a distinguir lo real de lo "
    "generado, con entropía cruzada, la pérdida habitual de un clasificador. Después la generadora aprende un poco a "
    "hacer que se equivoque. Y otra vez, miles de veces. Eso es el entrenamiento adversarial.",
    "lab.lesson.networks.setup": "Los originales son puntos en ocho montones sobre un anillo. La generadora no ha visto "
    "ninguno, y nunca los verá. La partida va despacio, para que pueda seguirla.",
    "lab.lesson.networks.look1": "Los puntos naranja: al principio una nube sin forma; luego, atraídos hacia donde la "
    "discriminadora dice «real».",
    "lab.lesson.networks.look2": "El fondo: azul donde la discriminadora diría real, naranja donde diría generado. Sobre "
    "la línea discontinua no puede distinguir.",
    "lab.lesson.networks.look3": "Pulse D y luego G en el teclado: un turno de cada una por separado. D recolorea el "
    "fondo, G mueve sus puntos.",
    "lab.lesson.networks.point": "Los puntos generados están cuatro veces más cerca de los reales que al principio.",
    "lab.lesson.networks.shows": "Nadie le dio a la generadora un ejemplar. De cada punto solo oye cuán real le parece a "
    "la discriminadora y en qué dirección parecería más real. Con eso basta para capturar la distribución P(X).",
    "lab.lesson.networks.try": "Active la malla latente: verá a la generadora como una lámina de goma que se estira hasta "
    "cubrir los ocho montones. Entre dos montones la lámina tendría que romperse, y ninguna red rompe del todo: unos "
    "pocos puntos se quedan en el camino.",
    "lab.lesson.expert.kicker": "Parte 2: cómo aprenden (L6)",
    "lab.lesson.expert.title": "Demasiado experta",
    "lab.lesson.expert.lead": "Un profesor que solo dice «mal» no enseña nada.",
    "lab.lesson.expert.text1": "Importa que ninguna de las dos se vuelva demasiado experta. Una discriminadora que nunca "
    "duda da el mismo veredicto a todas las imitaciones, cambie lo que cambie la generadora. Su opinión se vuelve una "
    "meseta, y en una meseta no hay pendiente por donde subir.",
    "lab.lesson.expert.text2": "En el juego tal como se escribió al principio, minimax, se lee en la fórmula: lo que "
    "llega a la generadora va multiplicado por D(G(z)), la duda que le queda a la discriminadora. Sin duda no hay "
    "lección.",
    "lab.lesson.expert.setup": "El mismo anillo. Pero ahora la discriminadora aprende con veinte veces la tasa de la "
    "generadora, ninguna penalización la frena y la pérdida es minimax.",
    "lab.lesson.expert.look1": "La barra del árbitro: el azul expulsa al naranja.",
    "lab.lesson.expert.look2": "La curva del gradiente, cuya escala va por potencias de diez: la línea naranja se desploma.",
    "lab.lesson.expert.look3": "Los puntos naranja: se detienen, aunque no están cerca de los reales.",
    "lab.lesson.expert.point": "El gradiente de la generadora se ha reducido a una vigésima parte de lo que era.",
    "lab.lesson.expert.shows": "La discriminadora ganó, y por eso perdieron las dos: a la generadora no le queda de qué "
    "aprender y a la discriminadora no le queda qué aprender.",
    "lab.lesson.expert.try": "Abra esta partida en Ver y cambie el objetivo a entropía cruzada sin saturación: ahora la "
    "generadora oye cuánto le falta para convencer, y el gradiente vuelve. O empiece de nuevo con la regulación "
    "adaptativa.",
    "lab.lesson.equilibrium.kicker": "Parte 2: cómo aprenden (L7)",
    "lab.lesson.equilibrium.title": "Equilibrio al 50 %",
    "lab.lesson.equilibrium.lead": "Cuando la imitación es perfecta, ni el mejor juez puede hacer más que lanzar una "
    "moneda.",
    "lab.lesson.equilibrium.text1": "Si la generadora ha capturado P(X), los miembros reales y los generados se "
    "distribuyen igual, y ninguna discriminadora puede acertar más de la mitad de las veces. Su mejor respuesta es D(x) "
    "= 1/2 en todas partes; entonces su pérdida es 2 ln 2 = 1.386 y la de la generadora, ln 2 = 0.693.",
    "lab.lesson.equilibrium.text2": "Cuidado con la recíproca. Una discriminadora simplemente débil también responde al "
    "azar. El 50 % solo prueba algo si quien juzga es buena: duelo mira dónde están de verdad los puntos generados, y "
    "su medida entrena contrincantes nuevos contra la generadora terminada.",
    "lab.lesson.equilibrium.setup": "El anillo, con redes capaces de partir el plano en islas y penalizaciones que "
    "mantienen el duelo en calma.",
    "lab.lesson.equilibrium.look1": "Los puntos del tablero del árbitro: lleno para los reales de entrenamiento, hueco "
    "para los reales reservados, naranja para los generados. Los tres llegan a la línea discontinua.",
    "lab.lesson.equilibrium.look2": "La mejor opinión posible (actívela junto al escenario): se calcula, no se aprende, y "
    "palidece a medida que las dos distribuciones se vuelven una.",
    "lab.lesson.equilibrium.look3": "Incluso en el equilibrio los puntos tiemblan: ambas siguen aprendiendo.",
    "lab.lesson.equilibrium.point": "Se han hallado los ocho modos, la mayoría de los puntos da en el blanco y, en varias "
    "miradas, el árbitro ve que la discriminadora acierta entre el 45 % y el 55 % de los reales reservados y de los "
    "generados nuevos.",
    "lab.lesson.equilibrium.shows": "El duelo termina en empate, y eso es un éxito: una juez que no ha dejado de aprender "
    "ya no nota la diferencia.",
    "lab.lesson.equilibrium.try": "Dibuje en Ver una distribución propia y mire cuánto se acerca el duelo al 50 %.",
    "lab.lesson.collapse.kicker": "Parte 3: qué sale mal",
    "lab.lesson.collapse.title": "Colapso de modos",
    "lab.lesson.collapse.lead": "¿Para qué aprender todo, si un solo truco convence?",
    "lab.lesson.collapse.text1": "A la generadora se le paga por que le crean, no por variar. Si la discriminadora es "
    "crédula con una clase de miembros, la mejor respuesta es crear solo esa. Entonces la discriminadora aprende a "
    "desconfiar de ella y la generadora salta a otra: se persiguen en círculos.",
    "lab.lesson.collapse.text2": "Las pérdidas no lo muestran: a cada una puede irle bien contra la otra de ese momento. "
    "Se ve en las muestras: son todas iguales, y las reales no.",
    "lab.lesson.collapse.setup": "Las redes del capítulo del equilibrio, sin las penalizaciones que mantenían aquel duelo "
    "en calma.",
    "lab.lesson.collapse.look1": "Los puntos naranja: se amontonan, y el montón vaga de un sitio a otro.",
    "lab.lesson.collapse.look2": "El número de modos hallados, sobre la barra.",
    "lab.lesson.collapse.look3": "Active la malla latente: toda la lámina queda arrugada en un solo lugar.",
    "lab.lesson.collapse.point": "Durante un rato, muchos puntos generados convencen, pero son de menos de cuatro de los "
    "ocho modos.",
    "lab.lesson.collapse.shows": "Convencer no es lo mismo que ser completa. Quien mida una generadora debe hacer dos "
    "preguntas: ¿son buenas sus muestras?, ¿están todas?",
    "lab.lesson.collapse.try": "Abra esta partida en Ver y dé a R1 y R2 un valor de 1: las penalizaciones suavizan las "
    "pendientes de la discriminadora y el montón vuelve a repartirse.",
    "lab.lesson.copying.kicker": "Parte 3: qué sale mal (L8)",
    "lab.lesson.copying.title": "La copia",
    "lab.lesson.copying.lead": "La manera más fácil de convencer a quien juzga es repetir lo que ya llamó real.",
    "lab.lesson.copying.text1": "Cuando la discriminadora puede saberse de memoria sus ejemplares, solo esos cuentan como "
    "reales y la generadora aprende a reproducirlos. Es la debilidad que nombra la clase: cuesta lograr que la "
    "generadora sea creativa.",
    "lab.lesson.copying.text2": "Para descubrir una copia se busca el ejemplar de entrenamiento más cercano a cada imagen "
    "generada. Pero ¿cercano comparado con qué? Las imágenes reservadas, con las que nadie entrenó, también tienen un "
    "ejemplar más cercano. Quien esté mucho más cerca que ellas ha copiado.",
    "lab.lesson.copying.setup": "Las redes pueden ver 20 dígitos, ni uno más. En un portátil tarda menos de un minuto.",
    "lab.lesson.copying.look1": "A la izquierda, lo que hace la generadora; a la derecha, el ejemplar más cercano a cada "
    "imagen, en el mismo lugar. Los dos cuadros se vuelven uno.",
    "lab.lesson.copying.look2": "Elija una imagen: su distancia al ejemplar más cercano queda por debajo de la distancia "
    "a la imagen reservada más cercana.",
    "lab.lesson.copying.look3": "El punto hueco del tablero del árbitro: los dígitos reales reservados empiezan a "
    "parecerle falsos a la discriminadora. Ha aprendido de memoria.",
    "lab.lesson.copying.point": "Las imágenes generadas están más cerca de los ejemplares de entrenamiento que las "
    "imágenes reales reservadas: al 60 % de su distancia, o menos.",
    "lab.lesson.copying.shows": "Unas buenas imágenes no prueban una buena generadora. Con pocos ejemplares se vuelve una "
    "manera costosa de guardarlos; por eso duelo reserva imágenes y cuenta las copias.",
    "lab.lesson.copying.try": "En Ver, déjela entrenar con 2000 dígitos y luego con todos: ¿a qué distancia quedan ahora "
    "los ejemplares más cercanos?",
    "lab.lesson.strides.kicker": "Parte 4: los dígitos (L9, L10, L11)",
    "lab.lesson.strides.title": "Saltos, píxel por píxel",
    "lab.lesson.strides.lead": "Cómo se reduce una imagen para quien juzga y crece para quien inventa.",
    "lab.lesson.strides.text1": "La discriminadora de la clase no tiene capas de agrupación (pooling) ni "
    "completamente conectadas. Reduce la imagen con saltos: el cuadrado que la lee avanza de dos en dos píxeles en vez "
    "de uno en uno, y así cada capa reduce el lado a la mitad.",
    "lab.lesson.strides.text2": "La generadora va en sentido contrario. Parte de una pequeña imagen de ruido normal y la "
    "agranda con convoluciones traspuestas, llamadas también deconvoluciones. Cada píxel de la entrada pinta un "
    "cuadrado en la salida: su valor por los pesos del núcleo. Los cuadrados empiezan a un salto de distancia; donde se "
    "solapan, se suman.",
    "lab.lesson.strides.setup": "Elija un salto y un núcleo; luego reproduzca o avance píxel por píxel. Los números son "
    "los que calcula torch.",
    "lab.lesson.strides.look1": "Salto 2, núcleo 2 × 2: los cuadrados quedan lado a lado, cada uno exactamente del tamaño "
    "del salto.",
    "lab.lesson.strides.look2": "Núcleo 4 × 4 con la carpa: los cuadrados se solapan y los valores intermedios se "
    "interpolan.",
    "lab.lesson.strides.look3": "Núcleo 3 × 3 con todos los pesos 1: unos píxeles se pintan una vez, otros dos o cuatro. "
    "Un tablero de ajedrez.",
    "lab.lesson.strides.point": "Siga una deconvolución y una convolución hasta su último píxel.",
    "lab.lesson.strides.shows": "Cada una es el reflejo de la otra: lo que una lee como cuadrado, la otra lo pinta como "
    "cuadrado. Con ellas un dígito de 32 × 32 se vuelve un número, y una pequeña imagen de ruido se vuelve un dígito.",
    "lab.lesson.vae.kicker": "Parte 1: qué son (L3)",
    "lab.lesson.vae.title": "RGA contra VAE",
    "lab.lesson.vae.lead": "«Se dice que los autocodificadores variacionales ya dan mejores resultados.» Miremos, en vez "
    "de repetirlo.",
    "lab.lesson.vae.text1": "Un autocodificador variacional (VAE) no tiene contrincante. Una codificadora describe cada "
    "imagen con unos pocos números y dice cuán segura está de ellos; una decodificadora vuelve a dibujar la imagen. Se "
    "les paga por acertar cada píxel y por números que parezcan ruido, para poder dibujar imágenes nuevas a partir de "
    "ruido.",
    "lab.lesson.vae.text2": "Quien cobra por píxel se cubre: ante la duda pinta el promedio, y el promedio de muchos "
    "trazos nítidos es borroso. A la generadora no se le paga por parecerse a una imagen en particular, sino por "
    "que le crean. Se atreve con trazos nítidos, y puede omitir lo que le cuesta.",
    "lab.lesson.vae.setup": "Ambos aprenden dígitos a la vez, con igual número de imágenes y redes de la misma anchura.",
    "lab.lesson.vae.look1": "El VAE tiene antes formas legibles; se quedan blandas.",
    "lab.lesson.vae.look2": "La RGA empieza con grano y ruido; sus trazos se vuelven nítidos y claros.",
    "lab.lesson.vae.look3": "La franja bajo cada imagen: cuánto la cree la discriminadora.",
    "lab.lesson.vae.point": "Las imágenes de ambos están a la mitad de la distancia inicial a las reales, o menos.",
    "lab.lesson.vae.shows": "Ninguno «es mejor»: depende de la medida, del tiempo y de los datos. Lo que sí se puede "
    "tener es una comparación justa, con iguales redes, imágenes y segundos, y con el piso que alcanzan las imágenes "
    "reales. duelo compare la hace.",
    "lab.lesson.vae.try": "Entrene ambos por más tiempo con duelo train digits y duelo train digits --recipe vae, y "
    "compárelos en Corridas.",
    "lab.lesson.actor_critic.kicker": "Parte 1: qué son (L4)",
    "lab.lesson.actor_critic.title": "Actor y crítico",
    "lab.lesson.actor_critic.lead": "El aprendizaje por refuerzo conoce a esta pareja con otros nombres.",
    "lab.lesson.actor_critic.text1": "En un modelo actor-crítico, un actor elige una acción y un crítico estima su valor. "
    "El actor mejora siguiendo la pendiente de esa estimación. Léase generadora por actor, imagen por acción y "
    "discriminadora por crítico: eso es una RGA (Pfau y Vinyals, 2016).",
    "lab.lesson.actor_critic.text2": "Algo difiere. Allá la recompensa viene de un mundo que responde a lo que se hace; "
    "aquí viene de que el crítico compara con ejemplares que el actor nunca ve ni puede cambiar. Por eso ambos campos "
    "comparten remedios: una copia lenta del crítico, acciones pasadas que se repiten, un premio a la variedad.",
    "lab.lesson.actor_critic.setup": "Primero el crítico solo: el actor se queda quieto (no tiene turnos) y el crítico "
    "aprende cuánto valen sus acciones. En aprendizaje por refuerzo se llama evaluación de la política.",
    "lab.lesson.actor_critic.look1": "Los puntos naranja no se mueven; el fondo sí.",
    "lab.lesson.actor_critic.look2": "Las flechas: la pendiente del valor del crítico en cada acción. Es todo lo que un "
    "actor llega a oír.",
    "lab.lesson.actor_critic.look3": "En cuanto el crítico está seguro, el actor recibe sus turnos por sí solo: los "
    "puntos empiezan a moverse siguiendo las flechas.",
    "lab.lesson.actor_critic.point": "El crítico solo llega a acertar en el 95 % de las acciones y de los ejemplares. "
    "Entonces se libera al actor, que recorre la mitad del camino hacia los ejemplares.",
    "lab.lesson.actor_critic.shows": "Con turnos solo para D, gana D: el 50 % no es propiedad de una red, sino del duelo. "
    "Un crítico vale lo que vale su pendiente, y un actor solo aprende mientras esa pendiente está fresca.",
    "lab.lesson.actor_critic.try": "Pause y pulse D o G varias veces seguidas: si ya no se enseña al crítico, pronto "
    "señala mal; si el actor se queda quieto, pronto queda al descubierto.",
    "lab.lesson.networks.value": "distancia: {value} de la inicial; meta {goal}",
    "lab.lesson.expert.value": "gradiente: {value} del inicial; meta {goal}",
    "lab.lesson.equilibrium.value": "el árbitro ve que D acierta en el {value}; meta {goal}",
    "lab.lesson.collapse.value": "modos hallados: {value}; hacen falta menos de {goal}, durante un rato",
    "lab.lesson.copying.value": "distancia al ejemplar más cercano: {value} de la habitual; meta {goal}",
    "lab.lesson.vae.value": "la mayor de las dos distancias: {value} de la inicial; meta {goal}",
    "lab.lesson.actor_critic.value": "el crítico acierta en el {value}; meta {goal}",
    "lab.lesson.actor_critic.released": "el actor está libre; distancia: {value} de la de entonces; meta {goal}",
}
