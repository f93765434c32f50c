"""Shapes and arguments as torch takes them, and inputs that torch refuses."""

import pytest

import minigrad as mg
from tests.support.calls import assert_same_call, lines, run_call

CALLS = lines("""
    nn.KLDivLoss(reduction='batchmean')(t(1.),t(2.))
    nn.KLDivLoss(reduction='batchmean')(t([1.,2.]),t([1,2]))
    nn.KLDivLoss(reduction='sum')(t([1.,2.]),t([1,2]))
    nn.KLDivLoss(reduction='none')(t([1,2]),t([1,2]))
    nn.KLDivLoss(reduction='none',log_target=True)(t([1.,2.]),t([1,2]))
    nn.KLDivLoss(reduction='none',log_target=True)(t([1,2]),t([1,2]))
    nn.KLDivLoss(reduction='none')(t([1.,2.]),t([-1.,2.]))
    nn.KLDivLoss(reduction='none')(t([1.,2.]),t([[1.],[2.]]))
    nn.KLDivLoss(reduction='batchmean')(t([1.,2.]),t([[1.],[2.],[3.]]))
    m.diff(t([1,2,4]),n=0)
    m.diff(t([1,2,4]),n=0,prepend=t([0]))
    m.diff(t([1,2,4]),n=0,append=t([0]))
    m.diff(t([1,2,4]),n=5)
    m.diff(t([1,2,4]),n=1,prepend=t([0]),append=t([9]))
    m.diff(t([1,2,4]),n=-1)
    m.diff(t(1))
    m.diff(t([1,2]),prepend=t(1))
    m.diff(t([[1,2]]),prepend=t([1]))
    m.diff(t([1,2]),prepend=t([1.5]))
    m.diff(t([True,False]))
    m.gradient(t([1.,2,4]),spacing=None)
    m.gradient(t([1.,2,4]))
    m.gradient(t([1.,2,4]),spacing=2)
    m.gradient(t([1.,2,4]),spacing=2.)
    m.gradient(t([1.,2,4]),spacing=(t([0.,1,3]),))
    m.gradient(t([1.,2,4]),spacing=[2.])
    m.gradient(t([[1.,2],[4,7]]),spacing=[2.,1.])
    m.gradient(t([[1.,2],[4,7]]),spacing=[2.,1.],dim=0)
    m.gradient(t([[1.,2],[4,7]]),spacing=2,dim=1)
    m.gradient(t([[1.,2],[4,7]]),dim=(1,0))
    m.gradient(t([[1.,2],[4,7]]),spacing=None,dim=1)
    m.gradient(t([1,2,4]))
    m.gradient(t([1.,2,4]),edge_order=2)
    m.gradient(t([1.,2]),edge_order=2)
    m.gradient(t([1.,2,4]),edge_order=3)
    m.gradient(t([1.]))
    m.gradient(t(1.))
    F.cosine_similarity(t([[1.,2],[3,4]]),t([1.,2]))
    F.cosine_similarity(t([1.,2]),t([[1.,2],[3,4]]),dim=0)
    F.cosine_similarity(t([1.,2]),t([[1.,2],[3,4]]),dim=1)
    F.cosine_similarity(m.ones(2,1,3),m.ones(4,3),dim=2)
    F.cosine_similarity(m.ones(2,1,3),m.ones(4,3),dim=1)
    F.cosine_similarity(m.ones(3),m.ones(2,3),dim=-1)
    F.cosine_similarity(t(1.),t(2.),dim=0)
    F.cosine_similarity(t([1,2]),t([1,2]),dim=0)
    F.cosine_similarity(t([1,2]),t([1.,2]),dim=0)
    F.cosine_similarity(t([1.,2]),t([1.,2]),dim=1)
    F.cosine_similarity(t([0.,0]),t([1.,2]),dim=0)
    F.pairwise_distance(t([1.,2]),t([[1.,2],[3,4]]))
    F.pairwise_distance(t([1,2]),t([[1,2],[3,4]]))
    F.gaussian_nll_loss(m.ones(2,3),m.zeros(2,3),m.ones(1,3))
    F.gaussian_nll_loss(m.ones(2,3),m.zeros(2,3),m.ones(2,1))
    F.gaussian_nll_loss(m.ones(2,3),m.zeros(2,3),m.ones(2))
    F.gaussian_nll_loss(m.ones(2,3),m.zeros(2,3),m.ones(3))
    F.gaussian_nll_loss(m.ones(2,3),m.zeros(2,3),m.ones(1))
    F.gaussian_nll_loss(m.ones(2,3),m.zeros(2,3),m.ones(1,1))
    F.gaussian_nll_loss(m.ones(2,3,4),m.zeros(2,3,4),m.ones(1,3,1))
    F.gaussian_nll_loss(m.ones(2,3,4),m.zeros(2,3,4),m.ones(1,3,4))
    F.gaussian_nll_loss(m.ones(2,3,4),m.zeros(2,3,4),m.ones(2,1,4))
    F.gaussian_nll_loss(m.ones(2,3,4),m.zeros(2,3,4),m.ones(3,4))
    F.gaussian_nll_loss(m.ones(2,3,4),m.zeros(2,3,4),m.ones(3,1))
    F.gaussian_nll_loss(m.ones(2,3,4),m.zeros(2,3,4),t(1.))
    F.gaussian_nll_loss(m.ones(2,3),m.zeros(2,3),2.0)
    F.gaussian_nll_loss(m.ones(2,3),m.zeros(2,3),-2.)
    F.gaussian_nll_loss(m.ones(2,3),m.zeros(1,3),m.ones(2,3),reduction='none')
    F.gaussian_nll_loss(m.ones(2,3),m.zeros(2,3),m.ones(2,3),reduction='x')
    F.gaussian_nll_loss(m.ones(2,3,dtype=m.int64),m.zeros(2,3),m.ones(2,3))
    F.gaussian_nll_loss(m.ones(2,3),m.zeros(2,3),m.ones(2,3,dtype=m.int64))
    F.multi_margin_loss(t([1.,2,3]),t(1))
    F.multi_margin_loss(t([1.,2,3]),t([1]))
    F.multi_margin_loss(t([1.,2,3]),t([1,2]))
    F.multi_margin_loss(t(1.),t(0))
    F.multi_margin_loss(t(1.),t([0]))
    F.multi_margin_loss(t([[1.,2,3]]),t([1]),reduction='none')
    F.multi_margin_loss(t([1.,2,3]),t(1),reduction='none')
    F.multi_margin_loss(t([1.,2,3]),t([1]),reduction='none')
    F.multi_margin_loss(t(1.),t(0),reduction='none')
    F.multi_margin_loss(m.ones(5,0),m.zeros(5,dtype=m.int64))
    F.multi_margin_loss(m.ones(5,3),m.zeros(4,dtype=m.int64))
    F.multi_margin_loss(m.ones(5,3),m.zeros(5))
    F.multi_margin_loss(m.ones(5,3),m.zeros(5,dtype=m.int64),weight=t(1.))
    F.multi_margin_loss(m.ones(5,3),m.zeros(5,dtype=m.int64),weight=m.ones(5,3))
    F.multi_margin_loss(m.ones(5,3),m.zeros(5,dtype=m.int64),weight=m.ones(5))
    F.multi_margin_loss(m.ones(5,3),m.zeros(5,dtype=m.int64),weight=m.ones(3,dtype=m.float64))
    F.multi_margin_loss(m.ones(5,3),m.zeros(5,dtype=m.int64),p=3)
    F.multi_margin_loss(m.ones(5,3,4),m.zeros(5,dtype=m.int64))
    F.multi_margin_loss(m.ones(5,3,dtype=m.int64),m.zeros(5,dtype=m.int64))
    F.multi_margin_loss(m.ones(5,3),m.zeros(5,1,dtype=m.int64))
    F.multi_margin_loss(m.ones(2,3),t([0,3]))
    F.multi_margin_loss(m.ones(2,3),t([0,-1]))
    F.multilabel_margin_loss(t([1.,2,3]),t([1,-1,0]))
    F.multilabel_margin_loss(t([[1.,2,3]]),t([[1,-1,0]]),reduction='none')
    F.multilabel_margin_loss(t([1.,2,3]),t([1,-1,0]),reduction='none')
    F.multilabel_margin_loss(t(1.),t(0))
    F.multilabel_margin_loss(t(1.),t(0),reduction='none')
    F.multilabel_margin_loss(t(1.),t([0]))
    F.multilabel_margin_loss(t([1.]),t(0))
    F.multilabel_margin_loss(t([1.,2]),t([0]))
    F.multilabel_margin_loss(m.ones(0),m.zeros(0,dtype=m.int64))
    F.multilabel_margin_loss(m.ones(3),m.zeros(3))
    F.multilabel_margin_loss(m.ones(2,3),m.zeros(3,dtype=m.int64))
    F.multilabel_margin_loss(m.ones(2,0),m.zeros(2,0,dtype=m.int64))
    F.multilabel_margin_loss(m.ones(2,3,4),m.zeros(2,3,4,dtype=m.int64))
    F.multilabel_margin_loss(t([1.,2,3]),t([1,5,0]))
    F.multilabel_margin_loss(t([1.,2,3]),t([1,-2,0]))
    F.multilabel_margin_loss(t([1,2,3]),t([1,-1,0]))
    F.prelu(t(-2.),t(0.5))
    F.prelu(t(-2.),t([0.5]))
    F.prelu(t([-2.]),t(0.5))
    F.prelu(t([[-2.,1.]]),t(0.5))
    F.prelu(t([[-2.,-1.]]),t([0.5,0.1]))
    F.prelu(t([[-2.,-1.]]),t([0.5,0.1,2]))
    F.prelu(t([-2.,-1.]),t([0.5,0.1]))
    F.prelu(t([[-2.,-1.]]),t([[0.5]]))
    F.prelu(t([[-2,-1]]),t([0.5]))
    F.prelu(t([[-2,-1]]),t([2]))
    F.prelu(t([[-2.,-1]],dtype='float64'),t([0.5]))
    x=t(-2.,requires_grad=True); w=t(.5,requires_grad=True); F.prelu(x,w).backward(); (x.grad,w.grad)
    x=t(-2.,requires_grad=True); w=t([.5],requires_grad=True); F.prelu(x,w).backward(); (x.grad,w.grad)
    F.pad(m.arange(5.).reshape(1,1,5),(-1,1),'circular')
    F.pad(m.arange(5.).reshape(1,1,5),(-1,1),'reflect')
    F.pad(m.arange(5.).reshape(1,1,5),(-1,1),'replicate')
    F.pad(m.arange(5.).reshape(1,1,5),(-1,-1),'circular')
    F.pad(m.arange(5.).reshape(1,1,5),(-1,-2),'reflect')
    F.pad(m.arange(5.).reshape(1,1,5),(2,-2),'reflect')
    F.pad(m.arange(5.).reshape(1,1,5),(2,-2),'circular')
    F.pad(m.arange(5.).reshape(1,1,5),(2,-2),'replicate')
    F.pad(m.arange(5.).reshape(1,1,5),(-3,-2),'reflect')
    F.pad(m.arange(5.).reshape(1,1,5),(-3,-2),'circular')
    F.pad(m.arange(5.).reshape(1,1,5),(-3,-2),'replicate')
    F.pad(m.arange(5.).reshape(1,1,5),(-3,-3),'circular')
    F.pad(m.arange(5.).reshape(1,1,5),(4,4),'reflect')
    F.pad(m.arange(5.).reshape(1,1,5),(5,0),'reflect')
    F.pad(m.arange(5.).reshape(1,1,5),(5,5),'circular')
    F.pad(m.arange(5.).reshape(1,1,5),(6,0),'circular')
    F.pad(m.arange(5.).reshape(1,1,5),(-3,4),'reflect')
    F.pad(m.arange(5.).reshape(1,1,5),(-3,5),'circular')
    F.pad(m.arange(5.).reshape(1,5),(1,1),'circular')
    F.pad(m.arange(5.).reshape(5),(1,1),'circular')
    F.pad(m.arange(16.).reshape(1,1,4,4),(-1,2,2,-1),'circular')
    F.pad(m.arange(16.).reshape(1,1,4,4),(-1,2,2,-1),'reflect')
    F.pad(m.arange(16.).reshape(1,1,4,4),(-1,2,2,-1),'replicate')
    F.pad(m.arange(16.).reshape(1,1,4,4),(1,1),'circular')
    F.pad(m.arange(16.).reshape(1,1,4,4),(1,1),'reflect')
    F.pad(m.arange(16.).reshape(1,4,4),(1,1,0,1),'reflect')
    F.pad(m.arange(5).reshape(1,1,5),(1,1),'reflect')
    F.pad(m.arange(5).reshape(1,1,5),(1,1),'circular')
    F.pad(m.arange(5).reshape(1,1,5),(1,1),'replicate')
    F.pad(m.arange(5),(1,1),value=2.5)
    F.pad(t([True]),(1,1))
    F.pad(m.arange(5.),(-2,-3))
    F.pad(m.arange(5.),(-3,-3))
    F.pad(m.arange(5.),(1,))
    F.pad(m.arange(5.),(1,1,1,1))
    F.pad(m.arange(5.).reshape(1,1,5),(1,1),'reflect',value=3)
    F.pad(m.arange(5.).reshape(1,1,5),(1,1),'nope')
    x=m.arange(5.).reshape(1,1,5).requires_grad_(); (F.pad(x,(-1,2),'reflect')*m.arange(6.)).sum().backward(); x.grad
    x=m.arange(5.).reshape(1,1,5).requires_grad_(); (F.pad(x,(-1,2),'circular')*m.arange(6.)).sum().backward(); x.grad
    m.flip(t([1,2]),dims=(0,))
    t([1,2]).flip(dims=(0,))
    t([1,2]).flip(0)
    t([[1,2]]).flip(0,1)
    t([[1,2]]).flip([0,1])
    t([[1,2]]).flip(dims=[0])
    t([[1,2]]).flip(0,0)
    t([[1,2]]).flip()
    t([[1,2]]).flip(())
    m.flip(t([[1,2]]),[0,1])
    m.flip(t([[1,2]]),(5,))
    m.randint(high=5,size=(2,)).shape
    m.randint(low=1,high=5,size=(2,)).shape
    m.randint(5,(2,)).dtype.itemsize
    m.randint(5,size=(2,)).shape
    m.randint(0,5,size=(2,)).shape
    m.randint(high=5,size=(2,),dtype=m.int32).shape
    m.randint(low=0,high=5).shape
    m.randint(5).shape
    m.randint(size=(2,)).shape
    m.randint(0,0,(2,))
    m.randint(3,1,(2,))
    m.randint(3.,(2,)).shape
    m.randint(0,3.5,(2,)).shape
    m.randint_like(t([1,2]),high=3).shape
    m.randint_like(t([1,2]),3).shape
    m.randint_like(t([1,2]),low=1,high=3).shape
    m.randperm(n=3).shape
    m.normal(mean=0.,std=1.,size=(2,)).shape
    m.zeros(size=(2,))
    m.ones(size=(2,))
    m.full(size=(2,),fill_value=1)
    m.empty(size=(2,)).shape
    m.rand(size=(2,)).shape
    m.randn(size=(2,)).shape
    m.eye(n=2,m=3)
    m.arange(end=3)
    m.arange(start=1,end=3)
    m.linspace(start=0,end=1,steps=3)
    m.logspace(start=0,end=1,steps=3)
    m.ones(2,3).sum(1.0)
    m.ones(2,3).sum(True)
    m.ones(2,3).sum('a')
    m.ones(2,3).sum(t(1))
    m.linalg.lstsq(m.eye(3),m.ones(3,2)).solution
    m.linalg.lstsq(m.eye(3).expand(2,3,3),m.ones(3,2)).solution
    m.linalg.lstsq(m.eye(3).expand(2,3,3),m.ones(1,3,2)).solution
    m.linalg.lstsq(m.eye(3),m.ones(2,3,2)).solution
    m.linalg.lstsq(m.eye(3),m.ones(2,3)).solution
    m.linalg.lstsq(m.eye(3),m.ones(3)).solution
    m.linalg.lstsq(m.eye(3).expand(2,3,3),m.ones(2,3)).solution
    m.linalg.lstsq(m.eye(3).expand(2,3,3),m.ones(3)).solution
    m.linalg.lstsq(m.eye(3).expand(2,1,3,3),m.ones(4,3,2)).solution.shape
    m.linalg.lstsq(m.eye(3).expand(2,3,3),m.ones(4,3,2)).solution
    m.linalg.lstsq(m.ones(4,3)+m.eye(4,3),m.ones(2,4,2))
    m.linalg.lstsq((m.ones(4,3)+m.eye(4,3)).expand(2,4,3),m.ones(1,4,2))
    m.linalg.lstsq(m.eye(3),m.ones(2,2)).solution
    m.linalg.lstsq(m.ones(3),m.ones(3)).solution
""")

# Inputs that PyTorch's own tests expect to be refused, among others.
REFUSED = lines("""
    m.isclose(t([1.]),t([1.]),rtol=-1)
    m.isclose(t([1.]),t([1.]),atol=-1)
    m.allclose(t([1.]),t([1.]),rtol=-1)
    m.isclose(t([1]),t([1]),rtol=-1)
    m.isclose(t([1.]),t([1]))
    m.isclose(t([1.]),t([1.],dtype='float64'))
    m.isclose(t([1.]),2)
    m.isclose(2,t([1.]))
    F.embedding(t([0]),m.ones(2,3,4))
    F.embedding(t([0]),m.ones(2))
    F.embedding(t([0.]),m.ones(2,3))
    F.embedding(t([True]),m.ones(2,3))
    F.embedding(t([0],dtype='int16'),m.ones(2,3))
    F.embedding(t([2]),m.ones(2,3))
    F.embedding(t([-1]),m.ones(2,3))
    F.embedding(t([0]),m.ones(2,3),padding_idx=5)
    F.embedding(t([0]),m.ones(2,3),padding_idx=-5)
    F.embedding(t([0]),m.ones(2,3,dtype=m.int64))
    F.embedding_bag(t([[0]]),m.ones(2,3,4))
    F.embedding_bag(t([[0]]),m.ones(2))
    F.embedding_bag(t([0]),m.ones(2,3))
    F.embedding_bag(t([[0]]),m.ones(2,3),t([0]))
    F.embedding_bag(t([0]),m.ones(2,3),t([1]))
    F.embedding_bag(t([0]),m.ones(2,3),t([0,2]))
    F.embedding_bag(t([0]),m.ones(2,3),t([0]),per_sample_weights=m.ones(2),mode='sum')
    F.embedding_bag(t([0]),m.ones(2,3),t([0]),per_sample_weights=m.ones(1),mode='mean')
    F.embedding_bag(t([0]),m.ones(2,3),t([[0]]))
    m.roll(t(1.),0,0)
    m.roll(t(1.),1)
    m.roll(t([1,2]),(1,1),0)
    m.roll(t([1,2]),1,(0,0))
    m.roll(t([1,2]),(1,2))
    m.roll(t([1,2]),(1,),(0,))
    m.roll(t([1,2]),())
    m.roll(t([1,2]),1,1)
    m.narrow(m.ones(3),0,t(True),1)
    m.narrow(m.ones(3),0,t(1),1)
    m.narrow(m.ones(3),0,t(1.),1)
    m.narrow(m.ones(3),0,t([1]),1)
    m.narrow(m.ones(3),0,True,1)
    m.narrow(m.ones(3),0,1.,1)
    m.narrow(m.ones(3),0,-1,1)
    m.narrow(m.ones(3),0,2,2)
    m.narrow(m.ones(3),0,0,-1)
    m.narrow(t(1.),0,0,1)
    m.narrow(m.ones(3),1,0,1)
    m.narrow(m.ones(3),0,4,0)
    m.masked_fill(m.ones(2),t([True,False]),t([1.]))
    m.masked_fill(m.ones(2),t([1,0]),2.)
    m.masked_fill(m.ones(2),t([True,False]),1j)
    m.masked_fill(t([1,2]),t([True,False]),1.5)
    m.masked_fill(t([1,2]),t([True,False]),t(1.5))
    m.where(t([1,0]),t([1.,2]),t([3.,4]))
    m.where(t([True,False]),1,2)
    m.where(t([True,False]),1,2.)
    m.heaviside(t([1.]),2)
    m.heaviside(2,t([1.]))
    m.nextafter(t([1.]),2)
    m.nextafter(t([1]),t([2]))
    m.max(2,t([1]))
    m.max(t([1]),2)
    m.ones(3).normal_(0,-1)
    m.ones(3).uniform_(1,0)
    m.ones(3).exponential_(-1)
    m.ones(3).geometric_(2)
    m.ones(3).bernoulli_(2)
    m.ones(3).cauchy_(0,-1)
    m.ones(3).log_normal_(0,-1)
    m.normal(t([0.]),-1.)
    m.normal(0.,-1.,(2,))
    m.normal(t([0.]),t([-1.]))
    m.arange(0,64,0)
    m.arange(0,-1)
    m.arange(0,1,-1)
    m.arange(0,float('nan'))
    m.arange(0,float('inf'))
    m.linspace(0,1,-1)
    m.eye(-1)
    m.zeros(-1)
    F.adaptive_avg_pool2d(m.ones(2,2),2)
    F.adaptive_max_pool2d(m.ones(2,2),2)
    F.adaptive_avg_pool1d(m.ones(2),2)
    F.adaptive_max_pool1d(m.ones(2),2)
    F.huber_loss(m.ones(2),m.ones(2),delta=0)
    F.smooth_l1_loss(m.ones(2),m.ones(2),beta=-1)
    F.l1_loss(m.ones(5,4),m.ones(5))
    F.mse_loss(m.ones(5,4),m.ones(5,))
""")

NUMPY_INTEGERS = lines("""
    t([1,2]).sum(np.int64(0))
    m.ones(2,3).sum(np.int64(1))
    m.ones(2,3).mean(np.int64(1))
    m.ones(2,3).sum((np.int64(1),))
    m.ones(2,3).max(np.int64(1))
    m.ones(2,3).argmax(np.int64(1))
    m.ones(2,3).amax(np.int64(1))
    m.ones(2,3).prod(np.int64(1))
    m.ones(2,3).std(np.int64(1))
    m.ones(2,3).logsumexp(np.int64(1))
    m.ones(2,3).softmax(np.int64(1))
    m.ones(2,3).all(np.int64(1))
    m.ones(2,3).any(np.int64(1))
    m.ones(2,3).median(np.int64(1))
    m.ones(2,3).cumsum(np.int64(1))
    m.ones(2,3).sort(np.int64(1))
    m.ones(2,3).flip(np.int64(1))
    m.ones(2,3).reshape(np.int64(3),2)
    m.ones(2,3).view(np.int64(3),np.int64(2))
    m.ones(2,3).transpose(np.int64(1),0)
    m.ones(2,3).permute(np.int64(1),0)
    m.ones(2,1,3).squeeze(np.int64(1)).shape
    m.ones(2,3).unsqueeze(np.int64(1)).shape
    m.ones(2,3).select(np.int64(1),np.int64(0))
    m.ones(2,3).narrow(np.int64(1),np.int64(0),np.int64(2))
    m.ones(2,3).repeat(np.int64(1),np.int64(2))
    m.ones(1,3).expand(np.int64(2),3)
    m.ones(2,3).split(np.int64(1))[0]
    m.ones(2,3).chunk(np.int64(2))[0]
    m.ones(2,3).roll(np.int64(1),np.int64(1))
    m.ones(2,3).unbind(np.int64(1))[0]
    m.ones(2,3).topk(np.int64(1),np.int64(1))
    m.ones(2,3).flatten(np.int64(0),np.int64(1))
    m.cat([m.ones(2,3)],np.int64(1))
    m.stack([m.ones(2,3)],np.int64(1)).shape
    m.ones(2,3).count_nonzero(np.int64(1))
    m.ones(2,3).aminmax(dim=np.int64(1))
    m.zeros(np.int64(2))
    m.zeros(np.int64(2),np.int64(3))
    m.ones((np.int64(2),))
""")


@pytest.mark.parametrize("call", CALLS)
def test_shapes_and_arguments(call):
    assert_same_call(call)


@pytest.mark.parametrize("call", REFUSED)
def test_bad_input_is_refused_as_in_torch(call):
    assert_same_call(call)


@pytest.mark.parametrize("call", NUMPY_INTEGERS)
def test_numpy_integers_are_integers(call):
    found, plain = (run_call(mg, text) for text in (call, call.replace("np.int64", "int")))
    assert repr(found) == repr(plain)


FIRST = ["eq", "ne", "lt", "le", "gt", "ge", "fmod", "copysign"]
BOTH = [
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "atan2",
    "hypot",
    "logaddexp",
    "logaddexp2",
    "logical_and",
    "logical_or",
    "logical_xor",
    "gcd",
    "lcm",
    "nextafter",
    "heaviside",
    "ldexp",
    "isclose",
    "dist",
]


@pytest.mark.parametrize("name", FIRST + BOTH)
def test_numbers_are_refused_where_torch_takes_tensors_only(name):
    assert_same_call(f"m.{name}(2, t([1, 2]))")
    assert_same_call(f"m.{name}(t([1, 2]), 2)")
    with pytest.raises(TypeError, match=r"\(position 1\) must be Tensor, not int"):
        getattr(mg, name)(2, mg.tensor([1, 2]))
