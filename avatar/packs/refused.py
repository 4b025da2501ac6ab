"""Words that no style pack may hold: data for lint.py, in groups that name the reason.

Matching ignores case, accents, spacing and punctuation; see lint.py. An entry ending in `*` matches every word
that begins so. The lists are a net with a known mesh: a name that is not here is not caught, the reviewer reads on.
"""

from __future__ import annotations

# People whose hand is recognised and who never agreed to be imitated. Recently dead ones are in: estates live on.
ARTISTS = """
greg rutkowski|artgerm|stanley lau|wlop|loish|lois van baarle|sakimichan|ross tran|ilya kuvshinov|rossdraws|
makoto shinkai|hayao miyazaki|studio ghibli|yoshitaka amano|katsuhiro otomo|akira toriyama|eiichiro oda|
junji ito|takashi murakami|yayoi kusama|yoshitomo nara|banksy|jeff koons|damien hirst|david hockney|
gerhard richter|kehinde wiley|amy sherald|kara walker|cindy sherman|annie leibovitz|steve mccurry|martin parr|
tim walker|peter lindbergh|mario testino|sebastiao salgado|nan goldin|gregory crewdson|david lachapelle|
alex grey|james jean|james gurney|boris vallejo|julie bell|frank frazetta|h r giger|simon stalenhag|beeple|
mike winkelmann|peter mohrbacher|karla ortiz|kelly mckernan|sarah andersen|grzegorz rutkowski|craig mullins|
john howe|alan lee|moebius|jean giraud|jim lee|frank miller|mike mignola|alex ross|bill sienkiewicz|
todd mcfarlane|rob liefeld|jack kirby|stan lee|dave gibbons|charlie bowater|rebecca guay|donato giancola|brom|
gerald brom|marc simonetti|feng zhu|syd mead|ralph mcquarrie|shepard fairey|kaws|invader|olafur eliasson|
anish kapoor|ai weiwei|marina abramovic|jenny saville|lucian freud|francis bacon|andy warhol|roy lichtenstein|
jean michel basquiat|keith haring|salvador dali|pablo picasso|frida kahlo|norman rockwell|bob ross|lisa frank|
tim burton|guillermo del toro|wes anderson|quentin blake|oliver jeffers|chris riddell|shaun tan|mary grandpre|
rutkowski|leibovitz|miyazaki|lachapelle|frazetta
"""

# Marks and worlds that belong to somebody. Plain words that are also names (apple, amazon) are left to the reviewer.
MARKS = """
disney|pixar|marvel|dc comics|star wars|jedi|sith|darth vader|lightsaber|mandalorian|star trek|starfleet|
harry potter|hogwarts|gryffindor|slytherin|lord of the rings|hobbit|gandalf|middle earth|game of thrones|
westeros|witcher|pokemon|pikachu|nintendo|super mario|zelda|minecraft|fortnite|roblox|lego|playmobil|barbie|
bratz|funko|batman|superman|spider man|spiderman|wonder woman|iron man|captain america|avengers|x men|wolverine|
joker|transformers|my little pony|hello kitty|sanrio|naruto|dragon ball|one piece|sailor moon|evangelion|gundam|
simpsons|family guy|south park|rick and morty|shrek|dreamworks|minions|frozen elsa|looney tunes|warner bros|
doctor who|tardis|james bond|indiana jones|terminator|matrix|blade runner|cyberpunk 2077|mad max|
avatar the last airbender|warhammer|dungeons and dragons|magic the gathering|world of warcraft|warcraft|
league of legends|overwatch|final fantasy|resident evil|assassins creed|the sims|lensa|midjourney|artstation|
deviantart|pinterest|instagram|nike|adidas|gucci|prada|chanel|louis vuitton|versace|hermes|balenciaga|supreme|
rolex|ray ban|levis|vogue|coca cola|pepsi|mcdonalds|starbucks|ferrari|lamborghini|porsche|tesla|nasa|spacex|
playboy|onlyfans|kodak|fujifilm|polaroid|leica|hasselblad|nikon|playstation|xbox
"""

# Who somebody is comes from their own pictures, never from the words of a pack.
PEOPLE = """
asian|east asian|south asian|african|afro american|african american|european|caucasian|latino|latina|latinx|
hispanic|arab|arabic|arabian|middle eastern|indian|native american|indigenous|aboriginal|black person|black man|
black woman|black people|white person|white man|white woman|white people|mixed race|biracial|ethnic|ethnicity|
race|racial|nordic|slavic|jewish|muslim|christian|hindu|buddhist|gypsy|roma|romani|oriental|exotic|chinese|
japanese|korean|vietnamese|thai|filipino|filipina|mongolian|turkish|persian|iranian|iraqi|afghan|pakistani|
bangladeshi|nepali|tibetan|russian|ukrainian|polish|german|french|italian|spanish|portuguese|british|english|
scottish|irish|welsh|swedish|norwegian|danish|finnish|icelandic|dutch|greek|swiss|austrian|hungarian|romanian|
mexican|brazilian|argentinian|colombian|cuban|american|canadian|australian|maori|polynesian|hawaiian|nigerian|
ethiopian|kenyan|ghanaian|somali|egyptian|moroccan|algerian|skin tone|skin colour|skin color|fair skin|
pale skin|light skin|dark skin|tanned|brown skin|black skin|white skin|olive skin|porcelain skin|flawless skin|
whiten*|lighten skin|skin whitening|slim|skinny|fat|thin body|curvy|petite|busty|muscular body|perfect body|
beautiful|gorgeous|pretty|handsome|attractive|blonde|blue eyes|green eyes|man|woman|men|women|male|female|lady|
ladies|gentleman|gentlemen|guy|guys|king|queen|prince|princess
"""

# There is nobody under 18 here, and no word that makes somebody look it. `old` is not listed: a book may be old.
YOUTH = """
child|children|childish|childlike|kid|kids|girl|girls|boy|boys|teen|teens|teenage|teenager|teenagers|young|
younger|youth|youthful|baby|babies|infant|toddler|toddlers|preteen|tween|minor|minors|underage|juvenile|
adolescent|schoolgirl|schoolboy|school uniform|kindergarten|nursery|loli|lolita|shota|shotacon|chibi|kawaii|
little one|lad|lass|elderly|middle aged|years old|year old
"""

# Everyone is dressed, and nobody is there to be looked at that way.
SEXUAL = """
nude|nudes|nudity|naked|nsfw|topless|bottomless|bare chest|bare breasted|breast|breasts|boob|boobs|cleavage|
nipple|nipples|butt|buttocks|ass|genital|genitals|penis|vagina|crotch|thong|panties|lingerie|underwear|bra|
bikini|swimsuit|corset|stockings|garter|fishnet|latex|leather harness|bondage|bdsm|fetish|erotic|erotica|porn|
pornographic|hentai|ecchi|sexy|sexual|sensual|seductive|sultry|provocative|alluring|voluptuous|lust|lustful|
undress|undressed|unclothed|striptease|stripper|see through|transparent clothes|sheer|skimpy|revealing|low cut|
pin up|pinup|boudoir|kiss|kissing|intimate|sex
"""

# What a negative prompt may name, because there it keeps something out. Everything else is refused there as well.
KEPT_OUT = """
nude|nudity|naked|nsfw|topless|bare chest|cleavage|lingerie|underwear|bikini|swimsuit|sexual|sexy|erotic|
see through|sheer|revealing|child|children|baby|teen|young
"""

LISTS = {"artist": ARTISTS, "mark": MARKS, "people": PEOPLE, "youth": YOUTH, "sexual": SEXUAL}
