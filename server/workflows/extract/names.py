"""What names are made of: frequent Chinese surnames, and frequent English given names with some of other languages."""

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖"
    "贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
NO_NAMES = (
    "周[一二三四五六日末边围年期转到内]|高[兴级铁中考速温度三一二]|白[天色菜酒]|方[便法向面案式]|金[额融属牌色]|石[头油]|马[上路桶拉达]|万[一元达]|何[时况必]"
    "|任[何务意]|谢谢|江[苏西南北]|夏[天季]|毛[病衣巾]|黄[金色昏瓜]|郑[州重]|许[多可久]|于[是]|程[序度]|余[额款]|沈阳|钟[头点]|陆[续地]|范围|付[款了费]|雷[雨达]"
    "|陶瓷|贺卡|顾[客问]|钱[包]|严[重格肃]|武[汉器]|叶子|苏州|韩[国语]|曾[经]|杜绝|胡[同说]|孙[子女]|陈[列旧述]|王国|[王李]子(?:[，。、的和]|$)|向[我他她你]|同[事学]|林[业地]"
    "|张[家贴]|段[时]|田[地]|宋[朝]|唐[朝]|罗[马]|龙[头]|史[上]|汤[圆]|孔[子]|莫[名]|马[来]|金[华]|于[今昨明上下本\\d]|向|付"
).split("|")
"""Words that begin as surnames do, as patterns."""

GIVEN = tuple(
    """Aaron Abby Adam Adrian Ahmed Aisha Alan Albert Alex Alexander Alice Alicia Alison Amanda Amir Amy Ana Andrea Andrew Angela
    Anita Ann Anna Anne Anthony Antonio Arjun Arthur Barbara Ben Benjamin Beth Betty Bill Bob Brandon Brenda Brian Bruce Caleb
    Carl Carla Carlos Carmen Carol Caroline Catherine Charles Charlie Chen Chloe Chris Christina Christine Christopher Claire Clara
    Connor Craig Cynthia Dan Daniel Danielle Dave David Deborah Denise Dennis Derek Diana Diane Diego Donald Donna Dorothy Doug
    Douglas Dylan Edward Elaine Eleanor Elena Elizabeth Ella Ellen Emily Emma Eric Erica Erin Ethan Eva Evan Evelyn Fatima Felix
    Fiona Frank Fred Gabriel Gary George Gina Gloria Grace Graham Greg Gregory Hannah Harold Harry Hassan Heather Heidi Helen Henry
    Hiroshi Holly Howard Hugo Ian Igor Ingrid Isaac Isabel Isabella Ivan Jack Jackie Jacob Jake James Jamie Jane Janet Janice Jason
    Javier Jean Jeff Jeffrey Jenna Jennifer Jenny Jeremy Jerry Jesse Jessica Jill Jim Joan Joanna Joe Joel John Jonathan Jorge
    Joseph Josh Joshua Joyce Juan Judith Judy Julia Julian Julie Justin Karen Karl Kate Katherine Kathleen Kathy Katie Keith Kelly
    Ken Kenji Kenneth Kevin Kim Kumar Kyle Lars Laura Lauren Leah Leo Leon Li Liam Lily Linda Lisa Liz Louis Louise Lucas Lucy Luis
    Luke Lydia Maggie Marcus Margaret Maria Marie Mario Mark Marta Martha Martin Mary Matt Matthew Maya Megan Mei Melissa Michael
    Michelle Miguel Mike Mohammed Molly Monica Nancy Naomi Natalie Nathan Neil Nicholas Nick Nicole Nina Noah Nora Oliver Olivia
    Omar Oscar Pamela Patricia Patrick Paul Paula Pedro Peter Philip Phil Priya Rachel Raj Ralph Ravi Raymond Rebecca Ricardo Richard
    Rick Robert Roberta Robin Roger Ron Ronald Rosa Ruth Ryan Sally Sam Samantha Samuel Sandra Sara Sarah Scott Sean Sergei Sharon
    Sheila Shirley Simon Sofia Sophia Sophie Stefan Stella Stephanie Stephen Steve Steven Stuart Susan Suzanne Ted Teresa Theresa
    Thomas Tim Timothy Tina Todd Tom Tony Tracy Tyler Valerie Vanessa Victor Vijay Vincent Walter Wang Wei Wendy William Xiao Yuki
    Yusuf Zach Zhang Zoe""".split()
)
