"""Español."""

WORDS = {
    # entrada equivocada: qué, dónde y qué hacer
    "error": "duelo: {text}",
    "did_you_mean": " (¿quiso decir {word}?)",
    "data.unknown": "no existe el conjunto de datos {name!r}{guess}; elija uno de estos: {known}, o indique la ruta "
    "de una carpeta o un archivo con imágenes.",
    "data.none": "{path} no es ni un archivo ni una carpeta; revise la ruta.",
    "data.kind": "{path} no es nada que se pueda leer; indique una carpeta, un .zip o .tar de una, una tabla (.csv, "
    ".tsv) de rutas y etiquetas, un archivo IDX o .npz, o uno hecho con `duelo data pack`.",
    "data.single": "{path} es una sola imagen; indique la carpeta en la que está.",
    "data.unreadable": "no se puede leer {path} ({why}); revise los permisos.",
    "data.no_images": "no hay imágenes en {path} ({others} archivos de otros tipos); indique una carpeta con archivos "
    ".jpg, .png, .webp, .bmp, .tif o .gif.",
    "data.all_bad": "no se puede leer ninguna de las {n} imágenes de {path} (la primera, {name}: {why}); revise los "
    "archivos.",
    "data.too_few": "{path} contiene {n} imágenes, de las que {different} son distintas; hacen falta al menos "
    "{fewest} distintas, y unos cientos para aprender de ellas.",
    "data.archive": "el archivo comprimido {path} está dañado o no se puede leer ({why}); vuelva a crearlo.",
    "data.bomb": "el archivo comprimido {path} crecería más de mil veces al descomprimirlo y no se leyó; indique una "
    "carpeta.",
    "data.not_text": "la tabla {path} no es texto en UTF-8; guárdela como UTF-8.",
    "data.table": "no se puede leer la tabla {path} ({why}); escriba en cada línea una ruta y una etiqueta.",
    "data.not_idx": "{path} no es un archivo IDX; revise su procedencia.",
    "data.idx_type": "el archivo IDX {path} no contiene bytes; solo los bytes sin signo (tipo 8) pueden ser imágenes.",
    "data.idx_lies": "la cabecera de {path} declara {shape} valores, más de los que caben en el archivo; consígalo de "
    "nuevo.",
    "data.idx_labels": "las etiquetas de {path} tienen la forma {shape}, pero hay {n} imágenes; indique una por imagen.",
    "data.array_shape": "las imágenes de {path} tienen la forma {shape}; debe ser (n, alto, ancho) o (n, alto, ancho, "
    "canales) con 1 a 4 canales.",
    "data.short": "{path} debería contener {n} imágenes pero termina tras {found}; consígalo de nuevo.",
    "data.npz_keys": "{path} no tiene ningún arreglo `images` (tiene: {keys}); guárdelo con np.savez(archivo, "
    "images=..., labels=...).",
    "data.npz_type": "el arreglo {key} de {path} es de tipo {kind}; guárdelo como uint8 de 0 a 255 (los objetos "
    "«pickle» nunca se leen).",
    "data.npz_array": "el arreglo {key} de {path} está dañado o no es simple; guarde de nuevo el archivo con np.savez.",
    "data.npz_order": "el arreglo {key} de {path} está guardado por columnas; guárdelo con np.ascontiguousarray(...).",
    "data.npz_lies": "la cabecera de {key} en {path} declara la forma {shape}, que no es lo que contiene el archivo; "
    "consígalo de nuevo.",
    "data.npz_labels": "las etiquetas de {path} son {kind} de forma {shape}; deben ser {n} números enteros o textos cortos.",
    "data.pack_damaged": "{path} no es un conjunto de datos empaquetado completo; empaquételo de nuevo con `duelo "
    "data pack`.",
    "data.room": "empaquetar necesita {needed} GiB de disco y hay {free} GiB libres; libere espacio, elija un --size "
    "menor o ponga en DUELO_CACHE una carpeta de otro disco.",
    "data.colour": "no existe el color {alpha!r}; --alpha admite un nombre inglés como white, un código como #ff8800, "
    "o keep.",
    "pack.own": "{data} está incluido en duelo y no hace falta empaquetarlo; entrene con él por su nombre.",
    "pack.exists": "{path} existe y no es un conjunto de datos empaquetado; elija otro nombre.",
    "data.size": "no se pueden hacer imágenes del tamaño {size}; indique un alto y un ancho de {least} a {most}.",
    "data.too_many": "{path} declara {n} imágenes; indique un archivo con {most} como mucho.",
    # por qué no se puede leer una imagen
    "bad.huge": "{width} x {height} píxeles son demasiados",
    "bad.bomb": "demasiadísimos píxeles",
    "bad.unknown": "no es una imagen",
    "bad.memory": "no hay memoria suficiente",
    "bad.damaged": "dañada: {why}",
    "bad.refused": "no se puede abrir ({why})",
    "bad.range": "valores de {low} a {high}",
    "bad.not_a_file": "no es un archivo",
    "bad.outside": "fuera de la carpeta",
    "bad.too_large": "{mib} MiB son demasiados",
    "digits.corrupt": "los dígitos incluidos en el paquete están dañados ({file} no tiene su SHA-256); vuelva a "
    "instalar duelo.",
    "recipe.preset": "en la receta {name}",
    "recipe.file": "en {path}",
    "recipe.command_line": "en la línea de comandos",
    "recipe.unknown": "no existe la receta {name!r}{guess}; elija una de estas: {known}, o un archivo .toml.",
    "recipe.unreadable": "no se puede leer la receta {path} ({why}); revise la ruta.",
    "recipe.not_toml": "la receta {path} no es TOML válido ({why}); corrija esa línea.",
    "recipe.key": "no existe la clave {key!r} {where}{guess}; `duelo recipes digits` muestra todas las claves.",
    "recipe.missing": "falta la clave {key!r} {where}; `duelo recipes digits` muestra una receta completa.",
    "recipe.value": "{key} = {value!r} {where} no es válido: debe ser {wanted}.",
    "recipe.pair": "las redes {pair!r} no sirven para los datos {data!r}; cambie networks.pair o elija otra receta.",
    "recipe.images": "las opciones de imágenes (images.size, ...) son para imágenes propias, no para {data!r}; omítalas.",
    "recipe.augment": "augment.p es para imágenes, y {data!r} son puntos; póngalo en 0.",
    "recipe.no_classes": "los datos {data!r} no tienen etiquetas, que un par condicional necesita; deje "
    "networks.conditional en false.",
    "recipe.vae": "el par {pair!r} y el objetivo {loss!r} no van juntos: un VAE aprende con el objetivo 'evidence', y "
    "nada más lo hace; elija --recipe vae.",
    "recipe.vae_idle": "{key} no significa nada para un VAE, que no tiene contrincante; hay que omitirlo, o empezar "
    "por --recipe vae.",
    "recipe.together": "estos ajustes no pueden ir juntos: {why}.",
    "networks.shape": "las redes {pair!r} no están hechas para imágenes de forma {shape} (canales, alto, ancho); "
    "elija otra receta u otro --size (el par de la clase pide imágenes grises y --size 28).",
    "side.generator": "generadora",
    "side.discriminator": "discriminadora",
    "networks.own_colon": "{place!r} no nombra ninguna función; escriba el archivo y la función que hace la red, como "
    "en redes.py:generadora.",
    "networks.own_missing": "no existe el archivo {path} que haría una red; corrija lo que está antes de los dos puntos.",
    "networks.own_not_python": "{path} no se llama como un archivo de Python; escriba la función que hace la red en "
    "un archivo cuyo nombre termine en .py.",
    "networks.own_unreadable": "no se puede leer {path} ({why}); revise sus permisos.",
    "networks.own_import": "no se puede importar {path}: {why} (línea {line}); corrija el archivo.",
    "networks.own_function": "{path} no tiene ninguna función {name!r}{guess}; corrija el nombre que sigue a los dos "
    "puntos.",
    "networks.own_parameter": "{name}() en {path} necesita {parameter!r}, que no se le puede dar{guess}; puede "
    "nombrar como parámetros {known}, y cualquier otro necesita un valor por omisión.",
    "networks.own_call": "{name}() en {path} falló: {why} (línea {line}); corríjala.",
    "networks.own_result": "{name}() en {path} da un valor de tipo {kind}, no un torch.nn.Module; haga que devuelva la red.",
    "networks.own_weights": "la {side} no tiene pesos que puedan aprender; dele capas con parámetros.",
    "networks.own_inputs": "la {side} ({kind}) no se puede llamar con ({inputs}); dele un forward(self, {inputs}).",
    "networks.own_failed": "la {side} falló en su capa {layer}, que recibió {given}: {why}; haga que esa capa encaje "
    "con lo que recibe.",
    "networks.own_kind": "la {side} da un valor de tipo {kind}, no un tensor; haga que su forward devuelva un solo tensor.",
    "networks.own_batch": "la {side} hace un tensor de {given} a partir de {n} entradas, y el primer número debería "
    "ser el de ellas; cambie la capa que da esa forma, {layer}.",
    "networks.own_members": "la {side} hace miembros de {given}, pero los de los datos son de {wanted}; cambie la "
    "capa que da esa forma, {layer}.",
    "networks.own_logits": "la {side} da {given} para {n} miembros, pero se quiere un número para cada uno ({n} o {n} "
    "x 1); cambie la capa que da esa forma, {layer}.",
    "networks.own_numbers": "la {side} da números {given}, no float32; mire su capa {layer}.",
    "networks.own_infinite": "la {side} da números que no son finitos, primero en su capa {layer}; mire lo que esta "
    "calcula.",
    "networks.own_gradient": "por la {side} no pasa ningún gradiente: se pierde en su capa {layer}; busque allí "
    "detach(), no_grad(), un redondeo o pesos que no se usan.",
    "rule.gt": "mayor que {limit:g}",
    "rule.ge": "como mínimo {limit:g}",
    "rule.lt": "menor que {limit:g}",
    "rule.le": "como máximo {limit:g}",
    "rule.one_of": "uno de estos: {choices}",
    "rule.whole": "un número entero",
    "rule.number": "un número",
    "rule.size": "un número, o un alto y un ancho, de 8 a 256",
    "rule.section": "una sección con claves propias",
    "write.failed": "no se pudo escribir {path} ({why}); lo guardado antes está intacto: libere espacio o elija otra "
    "carpeta con --out, y repita la misma orden.",
    "write.folder": "no se puede crear la carpeta {path} ni escribir en ella ({why}); elija otra con --out.",
    "folder.unreadable": "no se puede leer la carpeta {path} ({why}); revise los permisos.",
    "run.memory": "no hay memoria suficiente para esto; use --networks.width o --play.batch menores, o menos muestras.",
    "run.none": "no hay ninguna corrida en {path}; `duelo runs` muestra las que existen.",
    "run.no_checkpoint": "la corrida de {path} aún no tiene ningún punto de control; repita primero su orden `duelo train`.",
    "run.foreign_folder": "{path} no está vacía y no es una corrida (contiene {file}); elija otra carpeta con --out.",
    "run.other_recipe": "{path} contiene una corrida con otra receta ({changes}); elija otra carpeta con --out, o "
    "repita la orden propia de esa corrida para continuarla.",
    "run.other_images": "las imágenes de {data} ya no son las que había al comenzar la corrida de {path}; elija otra "
    "carpeta con --out, o devuelva las imágenes a su estado anterior.",
    "run.moved_images": "las imágenes de {data} ya no son las que se usaron para entrenar esta corrida; devuélvalas a "
    "su estado anterior.",
    "run.locked": "otro proceso está entrenando en {path}; espere a que termine o elija otra carpeta con --out.",
    "run.not_finite": "el entrenamiento falló {tries} veces, la última en {kimg} kimg: {name} dejó de ser un número "
    "finito; los puntos de control anteriores en {path} están intactos: empiece otra corrida con tasas de aprendizaje "
    "menores (--generator.rate, --discriminator.rate).",
    "checkpoint.corrupt": "el punto de control {path} está dañado; bórrelo y repita la misma orden.",
    "checkpoint.unreadable": "no se puede leer el punto de control {path} ({why}); revise los permisos y el disco.",
    "checkpoint.other_networks": "el punto de control {path} es de redes distintas de las que hace esta versión de "
    "duelo; use la versión que lo escribió.",
    "checkpoint.none_whole": "todos los puntos de control de {path} están dañados; borre esa carpeta para empezar la "
    "corrida desde el principio.",
    "device.none": "aquí no hay ningún dispositivo {device!r}; use --device cpu.",
    "sample.class": "esta corrida se entrenó sin clases; omita --class.",
    "sample.class_range": "--class {value}: las clases de la corrida van de 0 a {most}; elija una de ellas.",
    "sample.count": "-n {n} no es válido: debe estar entre 1 y {most}.",
    "sample.seed": "--seed {seed} no es válido: debe estar entre 0 y 2147483647.",
    "sample.points_folder": "los puntos no son imágenes sueltas; escríbalos en un archivo .png o .npz con --out.",
    "sample.out": "--out {path} no es válido: indique un archivo .png, un archivo .npz o una carpeta (terminada en /).",
    "sample.reject_class": "--reject todavía no sabe de clases; omítalo con esta corrida, que se entrenó con etiquetas.",
    "sample.too_few": "el contrincante descarta casi todas las muestras (quedan {kept} de {drawn}): esta generadora "
    "no es lo bastante buena para elegir entre ellas; omita --reject.",
    "measure.file": "{path} no contiene muestras que se puedan medir ({why}); debe ser un archivo .npz con `images`: "
    "uint8 [n, h, w, c], o float32 [n, 2] si son puntos, como lo escribe `duelo sample --out ARCHIVO.npz`.",
    "measure.numbers": "algunos puntos de {path} no son finitos o están más allá de {most:,.0f}; omítalos o averigüe de "
    "dónde vienen.",
    "measure.shape": "las muestras de {path} tienen la forma {found} y los ejemplares de {data} {wanted}; mídalas con "
    "datos de su misma forma.",
    "measure.few_generated": "solo hay {n} muestras para medir, y menos de {least} no dicen nada; haga más.",
    "measure.few_heldout": "solo hay {n} ejemplares de los datos reservados para medir, y menos de {least} no dicen nada; "
    "añada imágenes, o reserve más con --heldout y entrene de nuevo.",
    "measure.few_train": "solo hay {n} ejemplares de entrenamiento con los que comparar, y menos de {least} no dicen nada; "
    "añada imágenes y entrene de nuevo.",
    "measure.no_modes": "no se conocen los modos de {data}, solo los de ring, grid y stacked-digits; quite modes de --only.",
    "measure.data": "--data es para un archivo de muestras; la corrida de {path} ya conoce sus datos: omítalo.",
    "measure.no_data": "un archivo de muestras debe compararse con unos datos: indíquelos con --data.",
    "measure.only": "--only {word} no es válido{guess}; elija entre {known}, separados por comas.",
    "cli.command": "no existe la orden {name!r}{guess}; elija una de estas: {known}.",
    "cli.missing": "falta {name}; vea `duelo {command} --help`.",
    "cli.value": "{name} {value!r} no es válido; vea `duelo {command} --help`.",
    "cli.unused": "no se entiende {names}; vea `duelo {command} --help`.",
    "cli.interrupted": "interrumpido; no se perdió nada.",
    "cli.option_value": "a {name} le falta un valor.",
    "cli.two_lengths": "--kimg y --minutes se excluyen; indique solo una.",
    # ayuda
    "help.app": "Dos redes compiten: entrena, observa y conserva redes generativas adversarias.",
    "help.train": "Entrena DATA según una receta; la misma orden continúa una corrida detenida.",
    "help.sample": "Genera imágenes nuevas a partir de una corrida.",
    "help.report": "Escribe el informe de una corrida: una sola página que funciona sin red.",
    "help.data_app": "Mira un conjunto de datos, o lo empaqueta en un archivo.",
    "help.inspect": "Dice qué hay en DATA, qué haría de ello el entrenamiento y a qué prestar atención.",
    "help.pack": "Decodifica y redimensiona DATA una sola vez en el archivo OUT, con el que el entrenamiento empieza "
    "al momento.",
    "help.runs": "Muestra las corridas de una carpeta.",
    "help.recipes": "Muestra las recetas, o una de ellas en TOML.",
    "help.data": "digits, stacked-digits, ring, grid, o la ruta de unas imágenes: carpeta, .zip, .tar, .csv, .npz, "
    "IDX o empaquetadas",
    "help.recipe": "el nombre de una receta o un archivo .toml; `duelo recipes` las muestra",
    "help.out": "la carpeta de la corrida [por omisión: runs/ y un nombre hecho con las opciones]",
    "help.kimg": "miles de imágenes con las que entrenar",
    "help.minutes": "elige kimg para que el entrenamiento dure aquí más o menos este tiempo",
    "help.seed": "la semilla de los números aleatorios",
    "help.device": "auto, cpu o cuda",
    "help.generator": "una generadora propia: archivo.py:función",
    "help.discriminator": "una discriminadora propia: archivo.py:función",
    "help.compare": "Compara corridas lado a lado: con igual número de imágenes y con igual tiempo.",
    "help.compare_runs": "las carpetas de las corridas, dos o más",
    "help.compare_out": "la página que se escribirá (si no: compare.html junto a las corridas)",
    "help.size": "imágenes propias: un número (un cuadrado), o un alto y un ancho [por omisión: según las imágenes]",
    "help.fit": "imágenes de otras proporciones: crop (el centro), pad (un margen) o stretch (estirar) [por omisión: crop]",
    "help.alpha": "tras los píxeles transparentes: un color, o keep para un canal propio [por omisión: white]",
    "help.heldout": "imágenes reservadas para las medidas finales [por omisión: un sexto de DATA]",
    "help.json": "escribe un objeto JSON",
    "help.pack_out": "el archivo que se escribe, por ejemplo fotos.duelo",
    "help.overrides": "Se puede cambiar cualquier clave de la receta: --objective.r1 0.5, --networks.width 64, ...",
    "help.run": "la carpeta de una corrida",
    "help.n": "cuántas",
    "help.class": "solo esta clase, si la corrida conoce clases",
    "help.sample_seed": "la semilla de los latentes",
    "help.sample_out": "una cuadrícula .png, un arreglo .npz o una carpeta/ de imágenes sueltas",
    "help.reject": "conservar solo las muestras que no descarta una discriminadora nueva, entrenada antes contra la "
    "generadora terminada: más cerca de los datos, más lento",
    "help.measure": "Mide una generadora: su calidad, su equilibrio con un contrincante nuevo, si copió, sus modos.",
    "help.measured": "la carpeta de una corrida o un archivo .npz de muestras",
    "help.measure_data": "para un archivo de muestras: los datos con los que se comparan",
    "help.measure_only": "cuáles de quality, equilibrium, copying, modes (con comas); por omisión, todas",
    "help.measure_n": "cuántas muestras de una corrida se miden (10 000; de stacked-digits, 26 000)",
    "help.folder": "dónde buscar",
    "help.recipe_name": "la receta que se quiere ver",
    # el avance de una corrida
    "train.start": "corrida nueva: {kimg:g} kimg de {data}; las muestras aparecen en {path}/samples",
    "train.threads": "otros programas usan esta máquina: se entrena con {threads} de {most} hilos, más rápido que esperar "
    "un núcleo; OMP_NUM_THREADS fija cuántos",
    "train.resume": "se continúa {path} desde {at:g} de {kimg:g} kimg",
    "train.spoiled": "se omitió un punto de control dañado: {path}",
    "train.interrupted": "interrumpida en {at:g} kimg y guardada; para continuar, repita la misma orden:\n  {command}",
    "train.finished": "esta corrida ya había terminado ({kimg:g} kimg)",
    "train.end": "terminada: {kimg:g} kimg en {time}",
    "train.rescued": "el entrenamiento se deshizo en {at:g} kimg ({name} dejó de ser un número finito); vuelve al "
    "último punto de control y sigue con la mitad de las tasas de aprendizaje",
    "train.stopped": "detenida en {at:g} kimg: la corrida ya pasó su mejor punto",
    "train.best": "mejor punto: {at:g} kimg, juzgado con imágenes del árbitro, con las que nadie entrenó; `duelo "
    "sample` muestrea de él",
    "train.report": "informe: {path}",
    "train.packing_look": "mirando las imágenes",
    "train.packing_pack": "leyendo las imágenes",
    "train.packing": "{what}: {done} de {total}",
    "screen.title": "duelo · {data} · {speed:.0f} imágenes/s",
    "screen.progress": "avance",
    "screen.eta": "faltan {time}",
    "screen.real": "D acierta: reales",
    "screen.fake": "D acierta: falsas",
    "screen.loss_d": "pérdida de D",
    "screen.referee": "el árbitro",
    "screen.nothing_found": "nada anómalo hasta ahora",
    "screen.line_vae": "{at:>6g} / {kimg:g} kimg  {speed:>5.0f} imágenes/s  faltan {eta}  evidencia negativa "
    "{loss:.1f} nats (reconstrucción {reconstruction:.1f}, divergencia {divergence:.1f})",
    "screen.loss": "evidencia negativa",
    "screen.reconstruction": "reconstrucción",
    "screen.divergence": "divergencia",
    "screen.loss_g": "pérdida de G",
    "screen.balance": "equilibrio: {value:.2f}",
    "screen.even": "50 %",
    "screen.line": "{at:>6g} / {kimg:g} kimg  {speed:>5.0f} imágenes/s  faltan {eta}  pérdida D "
    "{discriminator_loss:.3f} G {generator_loss:.3f}  D acierta: reales {real_right:.0%} falsas {fake_right:.0%}",
    # lo que vio el árbitro: nombre, hallazgo, remedio
    "found.discriminator_too_strong": "la discriminadora ganó",
    "found.discriminator_too_weak": "la discriminadora es demasiado débil",
    "found.discriminator_asleep": "la discriminadora no aprende",
    "found.wrong_way_round": "la discriminadora funciona al revés",
    "found.generator_stuck": "la generadora no aprende",
    "found.mode_collapse": "colapso de modos",
    "found.copying_pressure": "presión para copiar",
    "found.oscillation": "el duelo da vueltas",
    "found.vanishing_gradients": "gradientes que se desvanecen",
    "found.exploding": "los números se disparan",
    "found.not_a_number": "ya no es un número",
    "finding.discriminator_too_strong": "Desde {kimg} kimg ({looks:.0f} miradas) la discriminadora acierta en el "
    "{referee_right:.0%} de las imágenes reales con las que nunca se entrenó y en el {fake_right:.0%} de las falsas; "
    "su pérdida es {loss:.3f}, y en el equilibrio sería {equilibrium:.3f}. Mientras tanto, el juicio apenas baja ya "
    "({before:.3g} antes, {value:.3g} ahora; las imágenes reales obtienen {floor:.3g}): ganó, y la generadora no "
    "aprende casi nada de ella.",
    "finding.discriminator_too_weak": "Desde {kimg} kimg ({looks:.0f} miradas) la discriminadora no distingue lo real "
    "de lo falso (acierta en el {referee_right:.0%} de las imágenes reales y en el {fake_right:.0%} de las falsas), "
    "aunque las falsas están lejos de las reales y no se acercan (juicio {before:.3g} antes, {value:.3g} ahora; las "
    "imágenes reales obtienen {floor:.3g}): la generadora no tiene de quién aprender.",
    "finding.discriminator_asleep": "Desde {kimg} kimg ({looks:.0f} miradas) los pesos de la discriminadora apenas se "
    "mueven: {move:.1e} de su longitud en cada ronda. Acierta en el {referee_right:.0%} de las imágenes reales y en el "
    "{fake_right:.0%} de las falsas, y así se quedará.",
    "finding.wrong_way_round": "Desde {kimg} kimg ({looks:.0f} miradas) la discriminadora acierta en el "
    "{referee_right:.0%} de las imágenes reales y en el {fake_right:.0%} de las falsas, muy por debajo del "
    "{chance:.0%} de una moneda: toma lo real por falso y lo falso por real.",
    "finding.generator_stuck": "Desde {kimg} kimg ({looks:.0f} miradas) los pesos de la generadora apenas se mueven: "
    "{move:.1e} de su longitud en cada ronda, aunque su gradiente ({gradient:.2g}) le indica el camino.",
    "finding.mode_collapse": "Desde {kimg} kimg ({looks:.0f} miradas) las imágenes falsas son todas parecidas: de "
    "cada una a la más próxima hay un {variety:.1%} de la distancia que hay entre las reales. La generadora renunció a "
    "casi toda su variedad.",
    "finding.copying_pressure": "Desde {kimg} kimg ({looks:.0f} miradas) la discriminadora se sabe de memoria sus "
    "ejemplares de entrenamiento: acierta en el {train_right:.0%} de ellos y en el {referee_right:.0%} de las imágenes "
    "reales con las que nunca se entrenó; el {memory:.0%} de lo que los distingue de las falsas solo vale para ellos "
    "({deviations:.1f} desviaciones estándar más de lo que daría el azar). Eso premia a la generadora por copiar.",
    "finding.oscillation": "Desde {kimg} kimg el duelo da vueltas: en las últimas {looks:.0f} miradas la ventaja "
    "cambió de lado {turns:.0f} veces, entre {high:+.0%} y {low:+.0%}. Lo que una aprende, la otra lo deshace.",
    "finding.vanishing_gradients": "Desde {kimg} kimg ({looks:.0f} miradas) nada le llega a la generadora: su "
    "gradiente mide {generator:.1e} y el de la discriminadora, {discriminator:.1e}. No puede aprender.",
    "finding.exploding": "Desde {kimg} kimg ({looks:.0f} miradas) los números se disparan: la discriminadora da a las "
    "imágenes reales {real_logit:.3g} y a las falsas {fake_logit:.3g} en promedio, el mayor de los logits y las "
    "pérdidas pasó de {first:.3g} en la primera mirada a {size:.3g}, y los gradientes llegan a medir {gradient:.2g}.",
    "finding.not_a_number": "En {at:.4g} kimg {what} dejó de ser un número finito (van {times:.0f} veces); la corrida "
    "volvió a {back_to:.4g} kimg y sigue con la mitad de las tasas de aprendizaje.",
    "remedy.discriminator_too_strong": "Pruebe --balance.rule adaptive, que frena a la discriminadora hasta que su "
    "ventaja sea pequeña, o un --discriminator.rate menor.",
    "remedy.discriminator_too_weak": "Pruebe el doble de --discriminator.rate, o --discriminator.steps 2.",
    "remedy.discriminator_asleep": "Ponga --discriminator.rate más o menos como el de la generadora.",
    "remedy.wrong_way_round": "Busque etiquetas intercambiadas o un signo equivocado en redes u objetivos propios: un "
    "logit alto debe significar real.",
    "remedy.generator_stuck": "Ponga --generator.rate más o menos como el de la discriminadora.",
    "remedy.mode_collapse": "Pruebe --objective.pack 2, para que la discriminadora vea varias falsas juntas; si hay "
    "menos de 64 latentes, primero --networks.latent 64.",
    "remedy.copying_pressure": "Lo mejor es conseguir más imágenes; si no, pruebe --augment.p 0.2, o más.",
    "remedy.oscillation": "Pruebe --adam.beta1 0 junto con --objective.r1 0.1 y --objective.r2 0.1: frenan la oscilación.",
    "remedy.vanishing_gradients": "Use redes con normalización, como --networks.pair convolutional; y en lugar de "
    "--objective.loss minimax, nonsaturating.",
    "remedy.exploding": "Limite la pendiente de la discriminadora: --objective.gp 10 con la pérdida wasserstein, "
    "--objective.r1 0.5 con cualquier otra.",
    "remedy.not_a_number": "Si no se recupera, empiece otra corrida con la mitad de --generator.rate y de "
    "--discriminator.rate.",
    "runs.none": "no hay corridas en {path}",
    "runs.done": "terminada",
    "runs.open": "{share:.0%}",
    "runs.columns": "corrida|datos|redes|kimg|estado|duración",
    "inspect.images": "{n} imágenes en {data}, usadas con {w} x {h} píxeles, {kind}",
    "inspect.own": "{data}: {n} miembros de forma {shape}, incluidos en duelo",
    "inspect.channels_1": "en gris",
    "inspect.channels_2": "en gris con transparencia",
    "inspect.channels_3": "en color",
    "inspect.channels_4": "en color con transparencia",
    "inspect.parts": "partes: {train} para entrenar, {referee} para el árbitro, {heldout} reservadas para las medidas "
    "finales",
    "inspect.classes": "{n} clases: {names}",
    "inspect.resized": "{n} de ellas llevadas a {w} x {h}: {how}",
    "inspect.fit_crop": "el centro de cada una, con un {share} % de la superficie recortada en promedio (--fit pad o "
    "stretch la conserva entera)",
    "inspect.fit_pad": "enteras, con un margen del color de su propio borde",
    "inspect.fit_stretch": "estiradas a las nuevas proporciones",
    "inspect.sizes": "tamaños distintos: {n}; los más comunes, {sizes}",
    "inspect.kinds": "tipos: {modes}; archivos: {formats}",
    "inspect.packed": "empaquetadas: {mib} MiB en {path}",
    "inspect.estimate": "la receta por omisión: {seconds} s por cada mil imágenes aquí, {kimg} kimg en unos {minutes} "
    "min, con {memory} MiB de memoria (medido durante un segundo)",
    "inspect.sheet": "algunas de las imágenes de entrenamiento: {path}",
    "inspect.warning": "! {text}",
    "pack.done": "{n} imágenes empaquetadas: {path}",
    "warn.few": "{n} imágenes de entrenamiento son muy pocas para aprender algo más que copiarlas; es mejor tener "
    "algunos miles.",
    "warn.rather_few": "{n} imágenes de entrenamiento son pocas: es de esperar que haya copias; es mejor tener "
    "algunos miles.",
    "warn.slow": "la receta por omisión tardaría aquí {hours} horas; elija un --size menor o un --kimg más corto.",
    "warn.unreadable": "imágenes que no se pueden leer y se omiten: {n} ({names}).",
    "warn.alike": "{n} imágenes repiten otras ({exact} exactamente, {near} casi; por ejemplo {names}); las parecidas "
    "quedan en una misma parte.",
    "warn.left_out": "{n} imágenes se excluyen del entrenamiento porque también están, exactas o casi, en la parte "
    "reservada.",
    "warn.cut": "el recorte pierde un {share} % de la superficie en promedio; --fit pad o --fit stretch la conserva entera.",
    "warn.enlarged": "{n} imágenes son menores que {w} x {h} y se amplían, así que quedan borrosas; elija un --size menor.",
    "warn.mixed_colour": "{n} imágenes son grises entre imágenes en color; todas se usan en color.",
    "warn.alpha": "{n} imágenes tienen partes transparentes, puestas sobre {colour}; --alpha admite otro color, o keep.",
    "warn.animated": "{n} archivos contienen varias imágenes; se usa la primera.",
    "warn.mixed_labels": "algunas imágenes tienen clase y otras no, así que no se usan clases; ponga cada imagen en "
    "la carpeta de una clase.",
    "warn.links": "{n} enlaces a otras carpetas no se siguieron.",
    "warn.uneven": "las clases son desiguales: {most} tiene {n_most} imágenes y {least}, {n_least}.",
    "sample.done": "{n} muestras: {path}",
    "sample.opponent": "un contrincante aprende a distinguir las muestras de esta generadora de las reales ({kimg:g} "
    "kimg) ...",
    "sample.kept": "el contrincante conservó el {share:.1%} de las muestras que vio.",
    "measure.quality": "midiendo la calidad ...",
    "measure.equilibrium": "los contrincantes nuevos están aprendiendo (es lo que más tarda) ...",
    "measure.copying": "buscando copias ...",
    "measure.modes": "contando los modos ...",
    "measure.brief": "un veredicto breve con {n} muestras; `duelo measure {path}` lo dice con más certeza",
    "measure.kept": "escrito: {path}",
    "unit.s": "{s} s",
    "unit.min": "{m} min {s:02d} s",
    "unit.h": "{h} h {m:02d} min",
    # las recetas
    "preset.digits": "la receta por omisión para dígitos: la mejor que conocemos para unos minutos en un portátil",
    "preset.images": "la receta por omisión para imágenes propias: lotes pequeños, generadora que interpola, "
    "aumento de datos",
    "preset.lecture": "dígitos como en la clase: convoluciones con saltos, deconvoluciones y ReLU al final",
    "preset.toy": "puntos en el plano (ring, grid): dos perceptrones pequeños",
    "preset.islands": "puntos en el plano en montones separados: la mejor receta que conocemos para ring y grid",
    "preset.residual": "dígitos o imágenes propias, como en R3GAN: bloques residuales, pérdida relativista, R1 y R2",
    "preset.silva": "dígitos, como en el cuaderno de Silva de 2017: etiquetas suavizadas, dos turnos de G por uno de D",
    "preset.vae": "el rival: un autocodificador variacional con dígitos",
    "preset.vae2": "el rival en dos etapas",
    # características
    "features.unknown": "no hay características {name!r}{guess}; elija entre: {known}.",
    "features.missing": "las características {features} necesitan el paquete {package}, que no está instalado; "
    "ejecute `pip install {package}` o elija otras.",
    "features.corrupt": "{path} no es el archivo de pesos publicado: no tiene su SHA-256; vuelva a instalar {package}.",
}
